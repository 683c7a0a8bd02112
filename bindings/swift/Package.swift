// swift-tools-version: 6.0
import PackageDescription

// The native half: on a Mac the XCFramework that bindings/swift/xcframework makes, elsewhere a library that pkg-config
// finds (bindings/swift/install).
#if os(Linux)
let ffi: Target = .systemLibrary(name: "agentsecrets_swiftFFI", pkgConfig: "agentsecrets-swift")
#else
let ffi: Target = .binaryTarget(name: "agentsecrets_swiftFFI", path: "AgentSecretsNative.xcframework")
#endif

let package = Package(
    name: "agentsecrets",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [
        .library(name: "AgentSecrets", targets: ["AgentSecrets"]),
        .library(name: "AgentSecretsURLSession", targets: ["AgentSecretsURLSession"]),
        .library(name: "AgentSecretsTesting", targets: ["AgentSecretsTesting"]),
    ],
    targets: [
        ffi,
        .target(name: "AgentSecretsNative", dependencies: ["agentsecrets_swiftFFI"]),
        .target(name: "AgentSecrets", dependencies: ["AgentSecretsNative"]),
        .target(name: "AgentSecretsURLSession", dependencies: ["AgentSecrets"]),
        .target(name: "AgentSecretsTesting", dependencies: ["AgentSecrets", "AgentSecretsNative"]),
        .executableTarget(name: "quickstart", dependencies: ["AgentSecrets"], path: "Examples/quickstart"),
        .executableTarget(name: "server", dependencies: ["AgentSecrets"], path: "Examples/server"),
        .executableTarget(name: "canary", dependencies: ["AgentSecrets", "AgentSecretsTesting"], path: "Tests/canary"),
        .testTarget(
            name: "AgentSecretsTests",
            dependencies: ["AgentSecrets", "AgentSecretsTesting", "AgentSecretsURLSession"]),
        .testTarget(name: "ScenarioTests", dependencies: ["AgentSecrets", "AgentSecretsTesting"]),
    ],
    swiftLanguageModes: [.v6]
)
