import Foundation

/// What a secret may be used for, as an admin sets it for everybody. In JSON it is the `policy` of
/// docs/schemas/secret-policy.json, here as there, so that a file of it decodes.
public struct SecretPolicy: Sendable, Codable, Equatable {
    /// Whether whoever holds the secret may read it.
    public var access: Access
    /// Messages may be signed with it.
    public var sign: Bool
    /// Commands may get it in their environment, where they can read it.
    public var environment: Bool
    /// Where requests may carry it; at most 16.
    public var rules: [Rule]

    /// What is not given is not allowed.
    public init(_ access: Access, sign: Bool = false, environment: Bool = false, rules: [Rule] = []) {
        (self.access, self.sign, self.environment, self.rules) = (access, sign, environment, rules)
    }

    /// Whether whoever holds the secret may read it.
    public enum Access: String, Sendable, Codable {
        /// Read and used.
        case readable
        /// Used alone.
        case useOnly = "use-only"
    }

    /// How a host is spoken to.
    public enum Scheme: String, Sendable, Codable {
        /// In clear: for hosts of this machine.
        case http
        /// With the web's root certificates.
        case https
    }

    /// What a request asks for.
    public enum Method: String, Sendable, Codable, CaseIterable {
        /// `GET`.
        case get = "GET"
        /// `HEAD`.
        case head = "HEAD"
        /// `POST`.
        case post = "POST"
        /// `PUT`.
        case put = "PUT"
        /// `PATCH`.
        case patch = "PATCH"
        /// `DELETE`.
        case delete = "DELETE"
        /// `OPTIONS`.
        case options = "OPTIONS"
    }
}

extension SecretPolicy {
    /// One host, and what requests to it may be.
    public struct Rule: Sendable, Codable, Equatable {
        /// How the host is spoken to.
        public var scheme: Scheme
        /// One host or address, without wildcards.
        public var host: String
        /// Its port.
        public var port: UInt16
        /// The host's name may lead to an address that is not public.
        public var isPrivate: Bool
        /// What requests may ask for.
        public var methods: [Method]
        /// Patterns of paths: `*` is one segment, `**` at the end the rest.
        public var paths: [String]
        /// Where in a request the secret may stand.
        public var places: [Place]
        /// Longest answer in bytes, after decoding.
        public var responseLimit: UInt32

        /// A rule; `port` is the scheme's own unless given.
        public init(
            _ scheme: Scheme = .https, host: String, port: UInt16? = nil, isPrivate: Bool = false, methods: [Method],
            paths: [String], places: [Place], responseLimit: UInt32 = 4 << 20
        ) {
            self.scheme = scheme
            self.host = host
            self.port = port ?? (scheme == .https ? 443 : 80)
            self.isPrivate = isPrivate
            self.methods = methods
            self.paths = paths
            self.places = places
            self.responseLimit = responseLimit
        }

        private enum CodingKeys: String, CodingKey {
            case scheme, host, port, methods, paths, places
            case isPrivate = "private"
            case responseLimit = "response_limit"
        }

        /// From JSON; `scheme`, `port`, `private` and `response_limit` may be left out.
        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                try fields.decodeIfPresent(Scheme.self, forKey: .scheme) ?? .https,
                host: try fields.decode(String.self, forKey: .host),
                port: try fields.decodeIfPresent(UInt16.self, forKey: .port),
                isPrivate: try fields.decodeIfPresent(Bool.self, forKey: .isPrivate) ?? false,
                methods: try fields.decode([Method].self, forKey: .methods),
                paths: try fields.decode([String].self, forKey: .paths),
                places: try fields.decode([Place].self, forKey: .places),
                responseLimit: try fields.decodeIfPresent(UInt32.self, forKey: .responseLimit) ?? 4 << 20)
        }
    }

    /// Where in a request a secret stands.
    public struct Place: RawRepresentable, Sendable, Codable, Hashable {
        /// As a policy in JSON says it.
        public let rawValue: String

        /// From the text of a policy.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// `Authorization: Bearer SECRET`.
        public static let bearer = Place(rawValue: "bearer")
        /// `Authorization: Basic …`, as the user, with an empty password.
        public static let basic = Place(rawValue: "basic")
        /// `Authorization: Basic …`, as the password of a user.
        public static func basic(user: String) -> Place { Place(rawValue: "basic:\(user)") }
        /// A header of its own.
        public static func header(_ name: String) -> Place { Place(rawValue: "header:\(name)") }
        /// A header after a word: `Authorization: Bot SECRET`.
        public static func header(_ name: String, after word: String) -> Place {
            Place(rawValue: "header:\(name):\(word)")
        }
        /// A parameter of the query.
        public static func query(_ name: String) -> Place { Place(rawValue: "query:\(name)") }
        /// A field of a JSON object, by its JSON pointer.
        public static func json(_ pointer: String) -> Place { Place(rawValue: "json:\(pointer)") }
        /// A field of a form.
        public static func form(_ name: String) -> Place { Place(rawValue: "form:\(name)") }
    }

    private enum CodingKeys: String, CodingKey {
        case access, sign, environment, rules
    }

    /// From JSON; `sign`, `environment` and `rules` may be left out.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try fields.decode(Access.self, forKey: .access),
            sign: try fields.decodeIfPresent(Bool.self, forKey: .sign) ?? false,
            environment: try fields.decodeIfPresent(Bool.self, forKey: .environment) ?? false,
            rules: try fields.decodeIfPresent([Rule].self, forKey: .rules) ?? [])
    }

    /// As the native half takes it.
    package var json: String {
        get throws {
            do {
                return String(decoding: try JSONEncoder().encode(self), as: UTF8.self)
            } catch {
                throw AgentSecretsError(.malformedPolicy, "the policy cannot be written as JSON")
            }
        }
    }
}
