// swift-tools-version: 6.0
import PackageDescription

// What benches/startup measures; also a package that depends on agentsecrets as an application does.
let package = Package(
    name: "startup",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "agentsecrets", path: "../..")],
    targets: [
        .executableTarget(name: "bare"),
        .executableTarget(name: "foundation"),
        .executableTarget(name: "dotenv"),
        .executableTarget(name: "load", dependencies: [.product(name: "AgentSecrets", package: "agentsecrets")]),
    ],
    swiftLanguageModes: [.v6]
)
