// Reads and parses a .env as most programs do, and prints the sum of the lengths of its values.
import Foundation

let text = try String(contentsOfFile: CommandLine.arguments[1], encoding: .utf8)
var values: [String: String] = [:]
for line in text.split(separator: "\n") where !line.hasPrefix("#") {
    guard let equals = line.firstIndex(of: "=") else { continue }
    let value = line[line.index(after: equals)...].trimmingCharacters(in: .whitespaces)
    values[String(line[..<equals])] = value
}
print(values.values.reduce(0) { $0 + $1.utf8.count })
