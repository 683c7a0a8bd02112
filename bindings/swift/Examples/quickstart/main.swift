// The values of this project's environment, as a command-line tool takes them at its start.
//
//     quickstart NAME...      exit code 1 and one line where a name is missing
import AgentSecrets
import Foundation

do {
    let names = Array(CommandLine.arguments.dropFirst())
    let secrets = try Secrets.load(require: names)
    print("\(secrets.count) values of \(secrets.environment)")
    for name in names {
        let length = try secrets[name].withRevealedBytes { $0.count }
        print("\(name): \(length) bytes")
    }
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
