import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

private let canary = "canary-5e1d-not-to-be-shown"

@Suite struct Secrecy {
    @Test func noTextOfASecretHoldsItsValue() throws {
        let secret = Secret(canary), secrets = Secrets.ofValues(["URL": secret])
        var dumped = ""
        dump(secret, to: &dumped)
        dump(secrets, to: &dumped)
        dump(["a": [secret]], to: &dumped)
        print(secret, secrets, [secret], Optional(secret) as Any, to: &dumped)
        debugPrint(secret, secrets, [secret], to: &dumped)
        dumped += String(describing: secret) + String(reflecting: secret) + String(describing: secrets)
        dumped += String(reflecting: secrets) + "\(secrets) \([secret])" + secret.debugDescription
        #expect(!dumped.contains("canary") && dumped.contains("redacted"))
        #expect(Mirror(reflecting: secret).children.isEmpty && Mirror(reflecting: secrets).children.isEmpty)
        #expect(try secrets["URL"].withRevealed { $0 } == canary)
    }

    @Test func aValueIsRevealedAsTextAndAsBytes() throws {
        let text = Secret("välue"), bytes = Secret(bytes: [0xff, 0, 1])
        #expect(try text.withRevealed { $0 } == "välue")
        #expect(bytes.withRevealedBytes { Array($0) } == [0xff, 0, 1])
        #expect(bytes.count == 3 && !bytes.isEmpty && Secret("").isEmpty)
        #expect(try Secret("").withRevealed { $0 } == "")
        #expect(throws: AgentSecretsError.self) { try bytes.withRevealed { $0 } }
    }

    @Test func equalityIsThatOfTheBytes() {
        #expect(Secret("a") == Secret(bytes: [97]))
        #expect(Secret("a") != Secret("b"))
    }

    @Test func anUnknownNameIsNotRepeated() throws {
        let secrets = Secrets.ofValues(["URL": Secret(canary)])
        do {
            _ = try secrets[canary]
            Issue.record("no error")
        } catch {
            #expect(!"\(error)".contains("canary") && !error.localizedDescription.contains("canary"))
        }
    }
}

@Suite struct Errors {
    @Test func anErrorHasItsCodeItsHintAndItsCase() async throws {
        let none = try Config(vault: "memory")
        do {
            _ = try await Client.open(none)
            Issue.record("a client without an identity")
        } catch let error as AgentSecretsError {
            guard case .noIdentity(let failure) = error else { throw error }
            #expect(failure.code == .noIdentity && error.code.word == "no_identity")
            #expect(error.hint == "agentsecrets init" && error.description.contains("try: agentsecrets init"))
        }
    }

    @Test func noErrorHoldsAValue() async throws {
        var texts: [String] = []
        func note(_ run: () async throws -> Void) async {
            do {
                try await run()
                Issue.record("no error")
            } catch {
                texts += [String(describing: error), String(reflecting: error), error.localizedDescription]
                dump(error, to: &texts[0])
            }
        }
        await note { _ = try Identity(parsing: Secret(canary)) }
        await note { _ = try Config(identity: Secret(canary)) }
        await note { _ = try Config(workspace: canary) }
        await note { _ = try KeyPair(secretKey: Secret(canary)) }
        await note { _ = try SealedBox.seal(Secret(canary), to: canary) }
        let client = try await Client.member(of: nil, label: "laptop")
        await note { try await client.set(canary, to: canary) }
        await note { try await client.set("URL", to: canary, environment: "nowhere") }
        await note { _ = try await client.join(Secret(canary), label: "x") }
        await note { try await client.set("URL", to: String(repeating: canary, count: 4000)) }
        #expect(texts.count == 27)
        for text in texts { #expect(!text.contains("canary-5e1d")) }
    }

    @Test func everyCodeHasAWord() {
        #expect(ErrorCode.relayUnreachable.word == "relay_unreachable")
        #expect(ErrorCode(rawValue: 9999).word == "code_9999")
    }
}
