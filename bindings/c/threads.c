/* Eight threads on the same handles, mixed calls; some free what others use. Prints how many calls were made. */
#include <agentsecrets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8 };

static agentsecrets_client *client;
static agentsecrets_identity *identity;
static _Atomic(agentsecrets_secrets *) shared;
static atomic_long calls, refused;
static long rounds;

static void must(int32_t code) {
  if (code != 0) {
    fprintf(stderr, "code %d\n", code);
    abort();
  }
}

static void setting(void) {
  agentsecrets_config *config = NULL;
  agentsecrets_secret *string = NULL;
  agentsecrets_bytes *workspace = NULL;
  agentsecrets_secrets *secrets = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  must(agentsecrets_identity_generate("human", 5, &identity, NULL));
  must(agentsecrets_identity_string(identity, &string, NULL));
  must(agentsecrets_secret_borrow(string, &data, &size, NULL));
  must(agentsecrets_config_new(&config, NULL));
  must(agentsecrets_config_set(config, "vault", 5, "memory", 6, NULL));
  must(agentsecrets_config_set(config, "identity", 8, (const char *)data, size, NULL));
  must(agentsecrets_client_open(config, &client, NULL));
  must(agentsecrets_client_create(client, "acme", 4, "laptop", 6, NULL, 0, &workspace, NULL));
  must(agentsecrets_client_set(client, NULL, 0, "A", 1, (const uint8_t *)"fake", 4, NULL));
  must(agentsecrets_client_secrets(client, NULL, 0, &secrets, NULL));
  atomic_store(&shared, secrets);
  agentsecrets_bytes_free(workspace);
  agentsecrets_secret_free(string);
  agentsecrets_config_free(config);
}

static void read_value(void) {
  agentsecrets_secret *secret = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  /* Another thread may have freed it: then this is an error, and nothing else. */
  if (agentsecrets_secrets_get(atomic_load(&shared), "A", 1, &secret, NULL) != 0) {
    refused++;
    return;
  }
  must(agentsecrets_secret_borrow(secret, &data, &size, NULL));
  if (size != 4 || memcmp(data, "fake", 4) != 0) abort();
  agentsecrets_secret_free(secret);
  calls += 3;
}

static void exchange(void) {
  agentsecrets_secrets *fresh = NULL;
  must(agentsecrets_client_secrets(client, NULL, 0, &fresh, NULL));
  agentsecrets_secrets_free(atomic_exchange(&shared, fresh));
  calls += 2;
}

static void list(void) {
  agentsecrets_bytes *rows = NULL;
  must(agentsecrets_client_list(client, NULL, 0, &rows, NULL));
  agentsecrets_bytes_free(rows);
  calls += 2;
}

static void fail(void) {
  agentsecrets_error *error = NULL;
  agentsecrets_secret *secret = NULL;
  if (agentsecrets_open(identity, (const uint8_t *)"no box", 6, &secret, &error) != AGENTSECRETS_ERROR_OPEN_FAILED) abort();
  agentsecrets_error_free(error);
  calls += 2;
}

static void *work(void *number) {
  for (long round = 0; round < rounds; round++) {
    read_value();
    if (round % 7 == 0) exchange();
    if (round % 5 == 0) list();
    if (round % 3 == (long)(size_t)number % 3) fail();
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  rounds = argc > 1 ? atol(argv[1]) : 3000;
  setting();
  for (size_t number = 0; number < THREADS; number++) pthread_create(&threads[number], NULL, work, (void *)number);
  for (size_t number = 0; number < THREADS; number++) pthread_join(threads[number], NULL);
  agentsecrets_secrets_free(atomic_load(&shared));
  agentsecrets_client_free(client);
  agentsecrets_identity_free(identity);
  printf("%ld calls, %ld of what was freed\n", atomic_load(&calls), atomic_load(&refused));
  return 0;
}
