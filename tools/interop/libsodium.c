/* Answers the lines of agentsecrets-core/examples/sealed_box.rs with the C library of libsodium.
 *
 *   public SECRET                     the public key
 *   seal PUBLIC MESSAGE               a sealed box
 *   seal_with EPHEMERAL PUBLIC MESSAGE  the sealed box of that ephemeral secret
 *   open SECRET SEALED                the message
 *   box NONCE SECRET PUBLIC MESSAGE   the nonce with the box
 *   unbox SECRET PUBLIC BOXED         the message
 *
 * Words are hexadecimal, "-" is no bytes, "refused" is every failure.
 * Build: gcc -O2 -Wall -Wextra -Werror -o libsodium libsodium.c -lsodium
 */
#define _GNU_SOURCE
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
  unsigned char *bytes;
  size_t size;
};

static struct word words[4];

static struct word reserve(size_t size) {
  struct word word = {malloc(size + 1), size};
  if (word.bytes == NULL) abort();
  return word;
}

static int read_word(char *text, struct word *word) {
  size_t length = strcmp(text, "-") == 0 ? 0 : strlen(text);
  *word = reserve(length / 2);
  return sodium_hex2bin(word->bytes, length / 2, text, length, NULL, &word->size, NULL) == 0 &&
         word->size * 2 == length;
}

static int show(const unsigned char *bytes, size_t size) {
  if (size == 0) return puts("-") >= 0;
  for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  return puts("") >= 0;
}

static int is(size_t index, size_t size) { return words[index].size == size; }

/* crypto_box_seal with a chosen ephemeral key, written from its documentation. */
static int seal_with(const unsigned char *ephemeral, const unsigned char *to, struct word message) {
  struct word out = reserve(message.size + crypto_box_SEALBYTES);
  unsigned char nonce[crypto_box_NONCEBYTES];
  crypto_generichash_state state;
  crypto_scalarmult_base(out.bytes, ephemeral);
  crypto_generichash_init(&state, NULL, 0, sizeof nonce);
  crypto_generichash_update(&state, out.bytes, crypto_box_PUBLICKEYBYTES);
  crypto_generichash_update(&state, to, crypto_box_PUBLICKEYBYTES);
  crypto_generichash_final(&state, nonce, sizeof nonce);
  int done = crypto_box_easy(out.bytes + crypto_box_PUBLICKEYBYTES, message.bytes, message.size, nonce,
                             to, ephemeral) == 0 &&
             show(out.bytes, out.size);
  free(out.bytes);
  return done;
}

static int open_sealed(const unsigned char *secret, struct word sealed) {
  unsigned char public_key[crypto_box_PUBLICKEYBYTES];
  if (sealed.size < crypto_box_SEALBYTES) return 0;
  struct word out = reserve(sealed.size - crypto_box_SEALBYTES);
  crypto_scalarmult_base(public_key, secret);
  int done = crypto_box_seal_open(out.bytes, sealed.bytes, sealed.size, public_key, secret) == 0 &&
             show(out.bytes, out.size);
  free(out.bytes);
  return done;
}

static int answer(const char *command, size_t count) {
  struct word out;
  int done = 0;
  if (strcmp(command, "public") == 0 && count == 1 && is(0, 32)) {
    out = reserve(32);
    done = crypto_scalarmult_base(out.bytes, words[0].bytes) == 0 && show(out.bytes, 32);
  } else if (strcmp(command, "seal") == 0 && count == 2 && is(0, 32)) {
    out = reserve(words[1].size + crypto_box_SEALBYTES);
    done = crypto_box_seal(out.bytes, words[1].bytes, words[1].size, words[0].bytes) == 0 &&
           show(out.bytes, out.size);
  } else if (strcmp(command, "seal_with") == 0 && count == 3 && is(0, 32) && is(1, 32)) {
    return seal_with(words[0].bytes, words[1].bytes, words[2]);
  } else if (strcmp(command, "open") == 0 && count == 2 && is(0, 32)) {
    return open_sealed(words[0].bytes, words[1]);
  } else if (strcmp(command, "box") == 0 && count == 4 && is(0, 24) && is(1, 32) && is(2, 32)) {
    out = reserve(24 + words[3].size + crypto_box_MACBYTES);
    memcpy(out.bytes, words[0].bytes, 24);
    done = crypto_box_easy(out.bytes + 24, words[3].bytes, words[3].size, words[0].bytes, words[2].bytes,
                           words[1].bytes) == 0 &&
           show(out.bytes, out.size);
  } else if (strcmp(command, "unbox") == 0 && count == 3 && is(0, 32) && is(1, 32) &&
             words[2].size >= 24 + crypto_box_MACBYTES) {
    out = reserve(words[2].size - 24 - crypto_box_MACBYTES);
    done = crypto_box_open_easy(out.bytes, words[2].bytes + 24, words[2].size - 24, words[2].bytes,
                                words[1].bytes, words[0].bytes) == 0 &&
           show(out.bytes, out.size);
  } else {
    return 0;
  }
  free(out.bytes);
  return done;
}

int main(void) {
  char *line = NULL;
  size_t capacity = 0;
  if (sodium_init() < 0) return 1;
  while (getline(&line, &capacity, stdin) > 0) {
    char *rest = NULL, *command = strtok_r(line, " \n", &rest), *text;
    size_t count = 0;
    int right = command != NULL;
    while (right && count < 4 && (text = strtok_r(NULL, " \n", &rest)) != NULL)
      right = read_word(text, &words[count++]);
    if (!right || !answer(command, count)) puts("refused");
    fflush(stdout);
    for (size_t i = 0; i < count; i++) free(words[i].bytes);
  }
  free(line);
  return 0;
}
