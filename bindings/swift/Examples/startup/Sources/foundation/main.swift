// A process that uses Foundation once: most Swift programs load it.
import Foundation

if ProcessInfo.processInfo.arguments.isEmpty { exit(1) }
