/* Searches the whole memory of this process for a secret's value: not there after all handles were freed; there while one
 * is kept, which shows that the search works. With `core` it stops after that, so that a core can be taken and searched from
 * outside; with `copy` the program itself still holds a copy then, which has to be found.
 */
#define _GNU_SOURCE
#include <agentsecrets.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH = 48 };

/* The value is kept changed, so that the program's own copy is none. */
static uint8_t changed[LENGTH];

static void must(int32_t code) {
  if (code != 0) {
    fprintf(stderr, "code %d\n", code);
    abort();
  }
}

static void wipe(uint8_t *bytes) { explicit_bzero(bytes, LENGTH); }

static size_t found_in(const uint8_t *data, size_t size) {
  size_t found = 0;
  for (size_t at = 0; at + LENGTH <= size; at++) {
    size_t same = 0;
    while (same < LENGTH && data[at + same] == (changed[same] ^ 0xA5)) same++;
    if (same == LENGTH) found++;
  }
  return found;
}

/* Every mapping that can be written, but for the buffer of the search itself. */
static size_t search(void) {
  static uint8_t page[1 << 16];
  size_t found = 0;
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  int memory = open("/proc/self/mem", O_RDONLY);
  if (maps == NULL || memory < 0) abort();
  while (fgets(line, sizeof line, maps) != NULL) {
    unsigned long long from = 0, to = 0;
    char rights[8] = {0};
    if (sscanf(line, "%llx-%llx %7s", &from, &to, rights) != 3 || rights[1] != 'w') continue;
    for (unsigned long long at = from; at < to; at += sizeof page - LENGTH) {
      size_t want = to - at < sizeof page ? (size_t)(to - at) : sizeof page;
      ssize_t got = pread(memory, page, want, (off_t)at);
      unsigned long long own = (unsigned long long)(uintptr_t)page;
      if (got > 0 && (at + (unsigned long long)got <= own || at >= own + sizeof page)) found += found_in(page, (size_t)got);
    }
  }
  fclose(maps);
  close(memory);
  explicit_bzero(page, sizeof page);
  return found;
}

static agentsecrets_secret *work(void) {
  agentsecrets_identity *identity = NULL;
  agentsecrets_config *config = NULL;
  agentsecrets_client *client = NULL;
  agentsecrets_secret *string = NULL, *secret = NULL, *opened = NULL;
  agentsecrets_secrets *secrets = NULL;
  agentsecrets_bytes *bytes = NULL, *sealed = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  uint64_t count = 0;
  uint8_t value[LENGTH];
  for (size_t at = 0; at < LENGTH; at++) value[at] = changed[at] ^ 0xA5;
  must(agentsecrets_identity_generate("human", 5, &identity, NULL));
  must(agentsecrets_identity_string(identity, &string, NULL));
  must(agentsecrets_secret_borrow(string, &data, &size, NULL));
  must(agentsecrets_config_new(&config, NULL));
  must(agentsecrets_config_set(config, "vault", 5, "memory", 6, NULL));
  must(agentsecrets_config_set(config, "identity", 8, (const char *)data, size, NULL));
  must(agentsecrets_client_open(config, &client, NULL));
  must(agentsecrets_client_create(client, "acme", 4, "laptop", 6, NULL, 0, &bytes, NULL));
  agentsecrets_bytes_free(bytes);
  must(agentsecrets_client_set(client, NULL, 0, "CANARY", 6, value, LENGTH, NULL));
  must(agentsecrets_client_push(client, NULL, 0, false, &count, NULL));
  must(agentsecrets_client_secrets(client, NULL, 0, &secrets, NULL));
  must(agentsecrets_secrets_get(secrets, "CANARY", 6, &secret, NULL));
  /* Sealed and opened again. */
  must(agentsecrets_identity_recipient(identity, &bytes, NULL));
  must(agentsecrets_bytes_borrow(bytes, &data, &size, NULL));
  must(agentsecrets_seal((const char *)data, size, value, LENGTH, &sealed, NULL));
  must(agentsecrets_bytes_borrow(sealed, &data, &size, NULL));
  must(agentsecrets_open(identity, data, size, &opened, NULL));
  wipe(value);
  agentsecrets_secret_free(opened);
  agentsecrets_bytes_free(sealed);
  agentsecrets_bytes_free(bytes);
  agentsecrets_secrets_free(secrets);
  agentsecrets_client_free(client);
  agentsecrets_config_free(config);
  agentsecrets_secret_free(string);
  agentsecrets_identity_free(identity);
  return secret;
}

/* Prints the changed value, from which the searcher makes the value again, and waits to be searched. */
static void wait_for_core(bool with_copy) {
  uint8_t *copy = malloc(LENGTH);
  if (copy == NULL) abort();
  for (size_t at = 0; at < LENGTH; at++) copy[at] = changed[at] ^ 0xA5;
  if (!with_copy) wipe(copy);
  for (size_t at = 0; at < LENGTH; at++) printf("%02x", changed[at]);
  printf("\n");
  fflush(stdout);
  raise(SIGSTOP);
  wipe(copy);
  free(copy);
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  for (size_t at = 0; at < LENGTH; at++) changed[at] = (uint8_t)(rand() ^ (int)at);
  agentsecrets_secret *kept = work();
  size_t with = search();
  agentsecrets_secret_free(kept);
  size_t without = search();
  if (strcmp(what, "core") == 0 || strcmp(what, "copy") == 0) wait_for_core(strcmp(what, "copy") == 0);
  printf("found %zu while a handle is kept, %zu after\n", with, without);
  return with >= 1 && without == 0 ? 0 : 1;
}
