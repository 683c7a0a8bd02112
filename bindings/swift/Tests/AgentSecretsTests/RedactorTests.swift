import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

private let key = "not-a-real-key-4711/+"

@Suite struct Redactors {
    @Test func aTextLosesItsValuesInEveryForm() throws {
        let redactor = try Redactor(["API_KEY": Secret(key), "TOKEN": Secret("fake-token-0815")])
        let escaped = key.unicodeScalars.map { "\\u00" + String($0.value, radix: 16) }.joined()
        let forms = [
            key, key.replacingOccurrences(of: "/", with: "%2F").replacingOccurrences(of: "+", with: "%2B"),
            key.replacingOccurrences(of: "/", with: "\\/"), key.utf8.map { String($0, radix: 16) }.joined(),
            Data("x\(key)".utf8).base64EncodedString(), escaped, key.utf8.map { "&#\($0);" }.joined(),
        ]
        for form in forms {
            let shown = redactor.redact("before \(form) after")
            #expect(shown.hasPrefix("before ") && shown.hasSuffix(" after") && shown.contains("[redacted API_KEY]"), "\(form)")
            #expect(!shown.contains("4711"))
        }
        #expect(redactor.redact("\(key) fake-token-0815") == "[redacted API_KEY] [redacted TOKEN]")
        let innocent = "grüße, 你好, not-a-real-key, 50% &amp; \u{0}"
        #expect(redactor.redact(innocent) == innocent && redactor.redact("") == "")
        #expect(redactor.redact(Data([0xff, 0xfe])) == Data([0xff, 0xfe]))
    }

    @Test func aValueIsFoundWhereverATextIsCut() async throws {
        let redactor = try Redactor(["API_KEY": Secret(key)])
        let text = Data("a \(key) b \(Data(key.utf8).base64EncodedString()) c".utf8), whole = redactor.redact(text)
        #expect(String(decoding: whole, as: UTF8.self).hasPrefix("a [redacted API_KEY] b [redacted API_KEY]"))
        let stream = redactor.stream()
        for cut in 0...text.count {
            let shown = stream.push(text.prefix(cut)) + stream.push(text.suffix(from: cut)) + stream.finish()
            #expect(shown == whole, "cut at \(cut)")
        }
        for size in [1, 2, 7] {
            let pieces = stride(from: 0, to: text.count, by: size).map { text[$0..<min($0 + size, text.count)] }
            let source = AsyncStream<Data> { continuation in
                pieces.forEach { continuation.yield($0) }
                continuation.finish()
            }
            var shown = Data()
            for try await piece in redactor.redacting(source) {
                #expect(!piece.isEmpty)
                shown += piece
            }
            #expect(shown == whole, "pieces of \(size)")
        }
    }

    @Test func secretsAreRedactedButForWhatIsTooShort() async throws {
        let secrets = Secrets.ofValues(["API_KEY": Secret(key), "DEBUG": Secret("true"), "PORT": Secret("3000")])
        #expect(try Redactor(secrets).redact("\(key) true 3000") == "[redacted API_KEY] true 3000")
        do {
            _ = try Redactor(["API_KEY": Secret(key), "DEBUG": Secret("true"), "PORT": Secret("3000")])
            Issue.record("no error")
        } catch AgentSecretsError.invalidArgument(let failure) {
            #expect(failure.code == .secretTooShort && failure.message.contains("DEBUG") && failure.message.contains("PORT"))
            #expect(!failure.message.contains("true") && !failure.message.contains("3000"))
        }
        #expect(try await code { _ = try Redactor([key: Secret(key)]) } == .invalidName)
    }
}
