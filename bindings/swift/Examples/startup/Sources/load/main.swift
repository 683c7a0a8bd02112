// Loads the values of the configured environment, and prints the sum of their lengths.
import AgentSecrets

let secrets = try Secrets.load()
print(try secrets.names.reduce(0) { $0 + (try secrets[$1].count) })
