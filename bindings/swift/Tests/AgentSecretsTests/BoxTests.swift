import AgentSecrets
import Foundation
import Testing

@Suite struct Boxes {
    @Test func aBoxIsOpenedByItsRecipientAlone() throws {
        let (one, other) = (try Identity(generating: .human), try Identity(generating: .agent))
        let box = try SealedBox.seal(Secret("hello"), to: one.recipient)
        #expect(box.count == 5 + 48)
        #expect(try one.unseal(box) == Secret("hello"))
        #expect(throws: AgentSecretsError.self) { try other.unseal(box) }
        #expect(try Identity(parsing: one.string).fingerprint == one.fingerprint)
    }

    @Test func aBatchGivesAVerdictForEachBox() throws {
        let identity = try Identity(generating: .ci)
        var boxes = try SealedBox.sealMany((0..<100).map { Secret("value \($0)") }, to: identity.recipient)
        boxes[7][50] ^= 1
        let opened = identity.unsealMany(boxes)
        #expect(opened.count == 100)
        for (place, verdict) in opened.enumerated() where place != 7 {
            #expect(try verdict.get() == Secret("value \(place)"))
        }
        guard case .failure(.openFailed(let failure)) = opened[7] else { throw AgentSecretsError(.internal, "no failure") }
        #expect(failure.code == .openFailed)
    }

    @Test func bareKeysAreThoseOfLibsodium() throws {
        let keys = try KeyPair()
        #expect(keys.publicKey.count == 32 && keys.secretKey.count == 32)
        #expect(try KeyPair(secretKey: keys.secretKey).publicKey == keys.publicKey)
        let boxes = try KeyPair.sealMany([Secret("a"), Secret("")], to: keys.publicKey)
        #expect(try keys.unsealMany(boxes).map { try $0.get() } == [Secret("a"), Secret("")])
        #expect(try keys.unseal(KeyPair.seal(Secret("b"), to: keys.publicKey)) == Secret("b"))
        #expect(throws: AgentSecretsError.self) { try KeyPair.seal(Secret("b"), to: Data(count: 31)) }
        #expect(throws: AgentSecretsError.self) { try KeyPair.seal(Secret("b"), to: Data(count: 32)) }
    }
}
