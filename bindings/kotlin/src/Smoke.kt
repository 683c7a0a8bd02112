// Seals, opens and fails once through the preview: it compiles, links and runs.

import agentsecrets.NativeException
import agentsecrets.NativeIdentity
import agentsecrets.NativeSecret
import agentsecrets.generateKeys
import agentsecrets.openWithKey
import agentsecrets.seal
import agentsecrets.sealToKey
import java.nio.ByteBuffer

// Bytes as the preview takes them: outside of the heap.
private fun direct(bytes: ByteArray): ByteBuffer {
    val buffer = ByteBuffer.allocateDirect(bytes.size).put(bytes)
    buffer.flip()
    return buffer
}

fun main() {
    val (one, other) = listOf(NativeIdentity.generate("human"), NativeIdentity.generate("agent"))
    val message = NativeSecret.copy(direct("hello".toByteArray()))
    val box = seal(one.recipient(), message)
    check(one.open(direct(box)).equals(message)) { "another message" }
    val keys = generateKeys()
    check(openWithKey(keys.secretKey, direct(sealToKey(keys.publicKey, message))).equals(message)) { "another message" }
    try {
        other.open(direct(box))
        error("another identity opens the box")
    } catch (refused: NativeException.Failed) {
        println("box of ${box.size} bytes opened; another identity: code ${refused.code}")
    }
}
