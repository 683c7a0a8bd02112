import AgentSecrets
import AgentSecretsTesting
import Foundation
import Testing

private let key = "not-a-real-key-4711"

/// What allows GET and POST below `/v1/` at a server of this machine.
func policy(at server: LocalServer, places: [SecretPolicy.Place] = [.bearer], sign: Bool = false) -> SecretPolicy {
    let rule = SecretPolicy.Rule(
        .http, host: "127.0.0.1", port: server.port, methods: [.get, .post], paths: ["/v1/**"], places: places)
    return SecretPolicy(.useOnly, sign: sign, rules: [rule])
}

private func held(under policy: SecretPolicy, _ value: String = key) throws -> Secrets {
    try Secrets.ofValues(["API_KEY": Secret(value), "PORT": Secret("3000")], policies: ["API_KEY": policy])
}

/// The code with which something is refused; nothing where it is not.
func code(_ run: () async throws -> Void) async throws -> ErrorCode? {
    do {
        try await run()
        return nil
    } catch let error as AgentSecretsError {
        #expect(!"\(error)\(String(reflecting: error))".contains(key), "an error shows the value")
        return error.code
    }
}

@Suite struct Handles {
    @Test func aRequestCarriesTheSecretAndBringsBackNoneOfIt() async throws {
        let server = try LocalServer.echo { came in
            let hexadecimal = came.utf8.map { String($0, radix: 16) }.joined()
            return "\(came) \(Data(came.utf8).base64EncodedString()) \(hexadecimal)"
        }
        let handle = try held(under: policy(at: server)).handle("API_KEY")
        let answer = try await handle.request(.get, "\(server.url)/v1/balance", headers: ["Accept": "text/plain"])
        #expect(server.heard.map { $0.header("authorization") } == ["Bearer \(key)"])
        #expect(server.heard.first?.header("accept") == "text/plain")
        #expect(answer.isSuccess && answer.status == 200 && answer.redactions == 4)
        #expect(answer.header("X-Echo") == "Bearer [redacted API_KEY]" && answer.header("x-none") == nil)
        #expect(answer.text.hasPrefix("Bearer [redacted API_KEY] "))
        let tail = Data("4711".utf8).base64EncodedString().dropLast(3)
        for form in [key, "4711", "34373131", String(tail)] { #expect(!answer.text.contains(form), "\(form)") }
    }

    @Test func theSecretStandsAtEachPlaceThatAPolicyCanName() async throws {
        let server = try LocalServer()
        let bare = Data("\(key):".utf8).base64EncodedString(), user = Data("bot:\(key)".utf8).base64EncodedString()
        let places: [(SecretPolicy.Place, String)] = [
            (.basic, "uthorization: Basic \(bare)\r\n"), (.basic(user: "bot"), "uthorization: Basic \(user)\r\n"),
            (.header("x-key"), "x-key: \(key)\r\n"), (.header("authorization", after: "Bot"), "uthorization: Bot \(key)\r\n"),
            (.query("key"), "GET /v1/a?key=\(key) "),
        ]
        for (place, expected) in places {
            let handle = try held(under: policy(at: server, places: [place])).handle("API_KEY")
            #expect(try await handle.request(.get, "\(server.url)/v1/a").isSuccess)
            #expect(server.heard.last?.text.contains(expected) == true, "\(place)")
        }
        let body = try held(under: policy(at: server, places: [.json("/auth/key"), .form("key")])).handle("API_KEY")
        _ = try await body.request(.post, "\(server.url)/v1/a", json: ["auth": ["user": "bot"]], place: .json("/auth/key"))
        let sent = try JSONDecoder().decode([String: [String: String]].self, from: Data(server.heard.last!.body.utf8))
        #expect(sent == ["auth": ["user": "bot", "key": key]])
        #expect(server.heard.last?.header("content-type") == "application/json")
        let form = ["Content-Type": "application/x-www-form-urlencoded"], text = Data("user=bot".utf8)
        _ = try await body.request(.post, "\(server.url)/v1/a", headers: form, body: text, place: .form("key"))
        #expect(server.heard.last?.body == "user=bot&key=\(key)")
        #expect(try await code { _ = try await body.request(.post, "\(server.url)/v1/a") } == .useForbidden)
    }

    @Test func aHandleIsNotReadInAnyWay() async throws {
        let server = try LocalServer()
        let secrets = try held(under: policy(at: server)), handle = try secrets.handle("API_KEY")
        for read in [{ try handle.reveal() }, { _ = try secrets["API_KEY"] }] as [() throws -> Void] {
            do {
                try read()
                Issue.record("it was read")
            } catch AgentSecretsError.readForbidden(let failure) {
                #expect(failure.code == .readForbidden && failure.hint == "agentsecrets policy API_KEY")
            }
        }
        #expect(secrets.names == ["PORT"] && handle.name == "API_KEY")
        #expect(try secrets.handle("PORT").policy == nil)
        #expect(try await code { _ = try secrets.handle("NOTHING") } == .unknownSecret)
        let answer = try await handle.request(.get, "\(server.url)/v1/a")
        var shown = ""
        dump(handle, to: &shown)
        dump([answer], to: &shown)
        debugPrint(handle, answer, secrets, try Redactor(secrets), try Redactor(secrets).stream(), to: &shown)
        shown += "\(handle) \(answer) \(String(reflecting: handle))"
        #expect(!shown.contains("4711") && shown.contains("Handle(API_KEY, may be used, redacted)"))
        #expect(shown.contains("Answer(200, 2 bytes, 0 redactions)"))
        #expect(Mirror(reflecting: handle).children.isEmpty && Mirror(reflecting: answer).children.isEmpty)
    }

    @Test func whatThePolicyDoesNotAllowIsNotSent() async throws {
        let server = try LocalServer(), other = try LocalServer()
        let handle = try held(under: policy(at: server)).handle("API_KEY")
        let plain = try held(under: policy(at: server)).handle("PORT")
        let long = try held(under: policy(at: server), "not-a-real\r\nkey").handle("API_KEY")
        let refused: [(ErrorCode, Handle, SecretPolicy.Method, String)] = [
            (.useForbidden, handle, .get, "\(server.url)/v2/a"), (.useForbidden, handle, .delete, "\(server.url)/v1/a"),
            (.useForbidden, handle, .get, "\(other.url)/v1/a"), (.useForbidden, plain, .get, "\(server.url)/v1/a"),
            (.invalidRequest, handle, .get, "\(server.url)/v1/../v2/a"), (.invalidRequest, handle, .get, "no address"),
            (.notInjectable, long, .get, "\(server.url)/v1/a"),
        ]
        for (expected, handle, method, url) in refused {
            #expect(try await code { _ = try await handle.request(method, url) } == expected, "\(method) \(url)")
        }
        #expect(try await code { _ = try await handle.request(.get, "\(server.url)/v1/a", place: .query("k")) } == .useForbidden)
        #expect(try await code { _ = try await handle.request(.get, server.url, timeout: .seconds(-1)) } == .invalidArgument)
        #expect(try await code { _ = try await handle.request(.post, server.url, json: Double.nan) } == .invalidArgument)
        #expect(server.heard.isEmpty && other.heard.isEmpty)
    }

    @Test func aNarrowerHandleAllowsLessAndCountsAgainstTheWiderOne() async throws {
        let server = try LocalServer()
        let handle = try held(under: policy(at: server, sign: true)).handle("API_KEY")
        let few = try handle.attenuate(uses: 3)
        let one = try few.attenuate(methods: [.get], paths: ["/v1/a"], ttl: .seconds(600), uses: 2)
        #expect(try handle.usesLeft == nil && handle.until == nil && one.usesLeft == 2)
        #expect(try #require(try one.until).timeIntervalSinceNow <= 600)
        for wider in [
            { try one.attenuate(uses: 3) }, { try one.attenuate(ttl: .seconds(6000)) }, { try one.attenuate(paths: ["/v1/*"]) },
            { try one.attenuate(methods: [.get, .post]) },
        ] as [() throws -> Handle] {
            #expect(try await code { _ = try wider() } == .leaseWider)
        }
        for wrong in [
            { try few.attenuate(uses: 0) }, { try few.attenuate(uses: -1) }, { try few.attenuate(paths: []) },
            { try few.attenuate(paths: ["/v1/a /v1/b"]) }, { try few.attenuate(ttl: .seconds(-1)) },
        ] as [() throws -> Handle] {
            #expect(try await code { _ = try wrong() } == .invalidArgument)
        }
        #expect(try await code { _ = try await one.request(.get, "\(server.url)/v1/b") } == .useForbidden)
        #expect(try await code { _ = try one.sign("message") } == .useForbidden)
        #expect(try await one.request(.get, "\(server.url)/v1/a").isSuccess)
        #expect(try one.usesLeft == 1 && few.usesLeft == 2 && handle.usesLeft == nil)
        _ = try few.sign("message")
        _ = try few.sign("message")
        #expect(try await code { _ = try await one.request(.get, "\(server.url)/v1/a") } == .leaseOver)
        #expect(server.heard.count == 1)
    }

    @Test func aSignatureIsThatOfHMAC() async throws {
        let server = try LocalServer()
        let handle = try held(under: policy(at: server, sign: true), "key").handle("API_KEY")
        let signature = try handle.sign("The quick brown fox jumps over the lazy dog")
        #expect(signature.hex == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8")
        #expect(signature.bytes.count == 32 && Data(base64Encoded: signature.base64) == signature.bytes)
        let silent = try held(under: policy(at: server)).handle("API_KEY")
        #expect(try await code { _ = try silent.sign(Data("message".utf8)) } == .useForbidden)
    }

    @Test func aCancelledRequestLetsItsTaskGoAndIsOneUse() async throws {
        let (asked, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let server = try LocalServer { _ in
            asked.signal()
            release.wait()
            return AnySequence([answered("late")])
        }
        let handle = try held(under: policy(at: server)).handle("API_KEY").attenuate(uses: 2)
        let task = Task { try await handle.request(.get, "\(server.url)/v1/a") }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                asked.wait()
                continuation.resume()
            }
        }
        task.cancel()
        // The server answers only after the task has ended.
        await #expect(throws: CancellationError.self) { try await task.value }
        release.signal()
        release.signal()
        #expect(try handle.usesLeft == 1)
        #expect(try await handle.request(.get, "\(server.url)/v1/a").text == "late")
    }

    @Test func aHostThatDoesNotAnswerIsAnErrorOfItsCode() async throws {
        let never = DispatchSemaphore(value: 0)
        let server = try LocalServer { _ in
            never.wait()
            return AnySequence([])
        }
        defer { never.signal() }
        let handle = try held(under: policy(at: server)).handle("API_KEY")
        do {
            _ = try await handle.request(.get, "\(server.url)/v1/a", timeout: .milliseconds(200))
            Issue.record("no error")
        } catch AgentSecretsError.upstream(let failure) {
            #expect(failure.code == .upstreamTimeout && failure.retryable)
        }
    }

    @Test func tasksAtOnceShareOneBudget() async throws {
        let server = try LocalServer.echo()
        let handle = try held(under: policy(at: server)).handle("API_KEY").attenuate(uses: 8)
        let codes = try await withThrowingTaskGroup(of: ErrorCode?.self) { group in
            for number in 0..<16 {
                group.addTask { try await code { _ = try await handle.request(.get, "\(server.url)/v1/\(number)") } }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == nil }.count == 8 && codes.filter { $0 == .leaseOver }.count == 8)
        #expect(server.heard.count == 8)
    }
}
