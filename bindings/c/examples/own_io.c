/* A host with its own store and its own HTTP: the library asks, the program does. Nothing in it reads a clock, a file or
 * a socket. The store here is a list in memory, the way to the relay is libcurl.
 *
 *     ./own_io RELAY_URL
 */
#include <agentsecrets.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define TEXT(text) text, strlen(text)

typedef struct item {
  char *key;
  uint8_t *data;
  size_t size;
  struct item *next;
} item;

typedef struct {
  uint8_t *data;
  size_t size;
} body;

static item *store;
static agentsecrets_error *error;

static void check(int code, const char *what) {
  if (code == 0) return;
  const char *text = NULL;
  size_t size = 0;
  agentsecrets_error_message(error, &text, &size);
  fprintf(stderr, "%s: error[%s]: %.*s\n", what, agentsecrets_error_code_name(code), (int)size, text);
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* --- the store: an application would write a file or a row, durably ------------------------------------------- */

static char *copied(const char *text, size_t size) {
  char *copy = calloc(size + 1, 1);
  if (copy == NULL) abort();
  if (size > 0) memcpy(copy, text, size);
  return copy;
}

static item *find(const char *key, size_t size) {
  for (item *one = store; one != NULL; one = one->next)
    if (strlen(one->key) == size && memcmp(one->key, key, size) == 0) return one;
  return NULL;
}

static void put(const char *key, size_t key_size, const uint8_t *data, size_t size) {
  item *one = find(key, key_size);
  if (one == NULL) {
    one = calloc(1, sizeof *one);
    if (one == NULL) abort();
    one->key = copied(key, key_size);
    one->next = store;
    store = one;
  }
  free(one->data);
  one->data = (uint8_t *)copied((const char *)data, size);
  one->size = size;
}

static void drop(const char *key, size_t size) {
  for (item **place = &store; *place != NULL; place = &(*place)->next) {
    item *one = *place;
    if (strlen(one->key) != size || memcmp(one->key, key, size) != 0) continue;
    *place = one->next;
    free(one->key);
    free(one->data);
    free(one);
    return;
  }
}

/* --- the way to the relay -------------------------------------------------------------------------------------- */

static size_t receive(char *data, size_t one, size_t count, void *place) {
  body *answer = place;
  uint8_t *longer = realloc(answer->data, answer->size + one * count);
  if (longer == NULL) return 0;
  memcpy(longer + answer->size, data, one * count);
  answer->data = longer;
  answer->size += one * count;
  return one * count;
}

static struct curl_slist *headers_of(const agentsecrets_step *step) {
  struct curl_slist *headers = NULL;
  for (size_t place = 0; place < agentsecrets_step_header_count(step); place++) {
    const char *name = NULL, *value = NULL;
    size_t name_size = 0, value_size = 0;
    check(agentsecrets_step_header(step, place, &name, &name_size, &value, &value_size, &error), "header");
    char *line = calloc(name_size + value_size + 3, 1);
    if (line == NULL) abort();
    sprintf(line, "%.*s: %.*s", (int)name_size, name, (int)value_size, value);
    headers = curl_slist_append(headers, line);
    free(line);
  }
  return headers;
}

static void carry(agentsecrets_machine *machine, const agentsecrets_step *step) {
  const char *method = NULL, *url = NULL;
  const uint8_t *data = NULL;
  size_t method_size = 0, url_size = 0, size = 0;
  check(agentsecrets_step_method(step, &method, &method_size, &error), "method");
  check(agentsecrets_step_url(step, &url, &url_size, &error), "url");
  check(agentsecrets_step_body(step, &data, &size, &error), "body");
  char *word = copied(method, method_size), *address = copied(url, url_size);
  struct curl_slist *headers = headers_of(step);
  body answer = {0};
  long status = 0;
  CURL *curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, address);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, word);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(10000 + agentsecrets_step_wait_ms(step)));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
  if (size > 0) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size);
  }
  if (curl_easy_perform(curl) == CURLE_OK) {
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    check(agentsecrets_machine_answered(machine, step, (uint16_t)status, -1, answer.data, answer.size, &error), "answered");
  } else {
    check(agentsecrets_machine_failed(machine, step, AGENTSECRETS_ERROR_RELAY_UNREACHABLE, &error), "failed");
  }
  curl_easy_cleanup(curl);
  curl_slist_free_all(headers);
  free(answer.data);
  free(word);
  free(address);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

static void perform(agentsecrets_machine *machine, int task, const agentsecrets_step *step) {
  const char *key = NULL;
  const uint8_t *data = NULL;
  size_t key_size = 0, size = 0;
  check(agentsecrets_step_key(step, &key, &key_size, &error), "key");
  if (task == AGENTSECRETS_TASK_LOAD) {
    const item *one = find(key, key_size);
    check(agentsecrets_machine_loaded(machine, step, one != NULL, one ? one->data : NULL, one ? one->size : 0, &error), "loaded");
  } else if (task == AGENTSECRETS_TASK_STORE) {
    check(agentsecrets_step_bytes(step, &data, &size, &error), "bytes");
    put(key, key_size, data, size);
    check(agentsecrets_machine_stored(machine, step, &error), "stored");
  } else if (task == AGENTSECRETS_TASK_REMOVE) {
    drop(key, key_size);
    check(agentsecrets_machine_stored(machine, step, &error), "removed");
  } else {
    carry(machine, step);
  }
}

/* Runs an operation to its end and frees it. */
static void drive(agentsecrets_machine *machine, agentsecrets_bytes **text, agentsecrets_secrets **secrets, const char *what) {
  int task = 0;
  while (task != AGENTSECRETS_TASK_DONE) {
    agentsecrets_step *step = NULL;
    uint64_t wake = 0, at = now();
    check(agentsecrets_machine_next(machine, at, &task, &step, &wake, &error), what);
    if (task == AGENTSECRETS_TASK_SLEEP) {
      struct timespec rest = {(time_t)((wake - at) / 1000), (long)((wake - at) % 1000 * 1000000)};
      if (wake > at) nanosleep(&rest, NULL);
    } else if (step != NULL) {
      perform(machine, task, step);
    }
    agentsecrets_step_free(step);
  }
  agentsecrets_secret *invitation = NULL;
  check(agentsecrets_machine_finish(machine, text, &invitation, secrets, &error), what);
  agentsecrets_secret_free(invitation);
  agentsecrets_machine_free(machine);
}

static const uint8_t *fresh(uint8_t *entropy) {
  if (getrandom(entropy, 32, 0) != 32) abort();
  return entropy;
}

int main(int argc, char **argv) {
  static const char value[] = "fake-value-of-own-io";
  uint8_t entropy[32];
  const uint8_t *id = NULL, *data = NULL;
  size_t id_size = 0, size = 0;
  agentsecrets_identity *me = NULL;
  agentsecrets_machine *machine = NULL;
  agentsecrets_bytes *workspace = NULL, *nothing = NULL;
  agentsecrets_secrets *secrets = NULL;
  agentsecrets_secret *secret = NULL;
  if (argc != 2) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  check(agentsecrets_identity_generate(TEXT("human"), &me, &error), "identity");
  check(agentsecrets_machine_create(me, now(), fresh(entropy), 32, TEXT("acme"), TEXT("host"), TEXT(argv[1]), &machine, &error), "create");
  drive(machine, &workspace, &secrets, "create");
  check(agentsecrets_bytes_borrow(workspace, &id, &id_size, &error), "workspace");
  const char *at = (const char *)id;
  check(agentsecrets_machine_set(me, now(), fresh(entropy), 32, at, id_size, TEXT("development"), TEXT("API_KEY"), (const uint8_t *)value, strlen(value), &machine, &error), "set");
  drive(machine, &nothing, &secrets, "set");
  check(agentsecrets_machine_push(me, now(), fresh(entropy), 32, at, id_size, TEXT("development"), &machine, &error), "push");
  drive(machine, &nothing, &secrets, "push");
  check(agentsecrets_machine_sync(me, now(), fresh(entropy), 32, at, id_size, &machine, &error), "sync");
  drive(machine, &nothing, &secrets, "sync");
  check(agentsecrets_machine_load(me, now(), fresh(entropy), 32, at, id_size, TEXT("development"), &machine, &error), "load");
  drive(machine, &nothing, &secrets, "load");
  check(agentsecrets_secrets_get(secrets, TEXT("API_KEY"), &secret, &error), "get");
  check(agentsecrets_secret_borrow(secret, &data, &size, &error), "borrow");
  printf("the same value: %s\n", size == strlen(value) && memcmp(data, value, size) == 0 ? "yes" : "no");
  agentsecrets_secret_free(secret);
  agentsecrets_secrets_free(secrets);
  agentsecrets_bytes_free(workspace);
  agentsecrets_identity_free(me);
  while (store != NULL) drop(store->key, strlen(store->key));
  curl_global_cleanup();
  return 0;
}
