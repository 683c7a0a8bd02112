/* Plays a scenario of conformance/scenarios through the C interface and compares every outcome, byte for byte.
 *
 *     scenarios FILE...
 */
#define _GNU_SOURCE
#include <agentsecrets.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 64, STEPS = 256 };

static agentsecrets_identity *identity;
static agentsecrets_machine *machine;
static agentsecrets_step *steps[STEPS];
static size_t handed_out;
static agentsecrets_error *error;
static const char *file;
static size_t number, wrong, skipped;

/* --- text ------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *data;
  size_t size;
} text;

static void append(text *to, const char *format, ...) {
  va_list words;
  char *more = NULL;
  va_start(words, format);
  int size = vasprintf(&more, format, words);
  va_end(words);
  if (size < 0) abort();
  to->data = realloc(to->data, to->size + (size_t)size + 1);
  if (to->data == NULL) abort();
  memcpy(to->data + to->size, more, (size_t)size + 1);
  to->size += (size_t)size;
  free(more);
}

static void append_hex(text *to, const void *data, size_t size) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *bytes = data;
  if (size == 0) {
    append(to, "-");
    return;
  }
  char *shown = malloc(size * 2 + 1);
  if (shown == NULL) abort();
  for (size_t at = 0; at < size; at++) {
    shown[at * 2] = digits[bytes[at] >> 4];
    shown[at * 2 + 1] = digits[bytes[at] & 15];
  }
  shown[size * 2] = 0;
  append(to, "%s", shown);
  free(shown);
}

static unsigned value_of(char digit) { return digit <= '9' ? (unsigned)(digit - '0') : (unsigned)(digit - 'a' + 10); }

/* Bytes of a word in hexadecimal; the caller frees them. */
static uint8_t *bytes_of(const char *word, size_t *size) {
  *size = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
  uint8_t *bytes = calloc(*size + 1, 1);
  if (bytes == NULL) abort();
  for (size_t at = 0; at < *size; at++) bytes[at] = (uint8_t)(value_of(word[at * 2]) << 4 | value_of(word[at * 2 + 1]));
  return bytes;
}

static void compare(const text *here, const char *there) {
  if (strcmp(here->data ? here->data : "", there) == 0) return;
  wrong++;
  printf("%s:%zu: here %.200s\n    there %.200s\n", file, number, here->data, there);
}

/* --- what a host does ------------------------------------------------------------------------------------------- */

static void fresh_machine(void) {
  for (size_t at = 0; at < STEPS; at++) {
    agentsecrets_step_free(steps[at]);
    steps[at] = NULL;
  }
  agentsecrets_machine_free(machine);
  machine = NULL;
  handed_out = 0;
}

static int32_t start(char **words, size_t count) {
  uint8_t *argument[4] = {0}, *entropy;
  size_t size[4] = {0}, entropy_size = 0;
  int32_t code = -1;
  fresh_machine();
  entropy = bytes_of(words[3], &entropy_size);
  for (size_t at = 0; at < 4 && at + 4 < count; at++) argument[at] = bytes_of(words[at + 4], &size[at]);
  const char *a = (const char *)argument[0], *b = (const char *)argument[1], *c = (const char *)argument[2];
  uint64_t now = strtoull(words[2], NULL, 10);
  if (strcmp(words[1], "create") == 0)
    code = agentsecrets_machine_create(identity, now, entropy, entropy_size, a, size[0], b, size[1], c, size[2], &machine, &error);
  else if (strcmp(words[1], "sync") == 0)
    code = agentsecrets_machine_sync(identity, now, entropy, entropy_size, a, size[0], &machine, &error);
  else if (strcmp(words[1], "set") == 0)
    code = agentsecrets_machine_set(identity, now, entropy, entropy_size, a, size[0], b, size[1], c, size[2], argument[3], size[3], &machine, &error);
  else if (strcmp(words[1], "push") == 0)
    code = agentsecrets_machine_push(identity, now, entropy, entropy_size, a, size[0], b, size[1], &machine, &error);
  else if (strcmp(words[1], "load") == 0)
    code = agentsecrets_machine_load(identity, now, entropy, entropy_size, a, size[0], b, size[1], &machine, &error);
  for (size_t at = 0; at < 4; at++) free(argument[at]);
  free(entropy);
  return code;
}

static void show_send(text *here, const agentsecrets_step *step) {
  const char *method = NULL, *url = NULL, *name = NULL, *value = NULL;
  const uint8_t *body = NULL;
  size_t method_size = 0, url_size = 0, body_size = 0, name_size = 0, value_size = 0;
  text headers = {0};
  agentsecrets_step_method(step, &method, &method_size, NULL);
  agentsecrets_step_url(step, &url, &url_size, NULL);
  agentsecrets_step_body(step, &body, &body_size, NULL);
  for (size_t place = 0; place < agentsecrets_step_header_count(step); place++) {
    agentsecrets_step_header(step, place, &name, &name_size, &value, &value_size, NULL);
    append(&headers, "%.*s: %.*s\n", (int)name_size, name, (int)value_size, value);
  }
  append(here, "SEND %zu %.*s %.*s ", handed_out, (int)method_size, method, (int)url_size, url);
  append_hex(here, headers.data, headers.size);
  append(here, " ");
  append_hex(here, body, body_size);
  free(headers.data);
}

static void next(text *here, uint64_t now) {
  int32_t task = 0;
  uint64_t wake = 0;
  agentsecrets_step *step = NULL;
  const char *key = NULL;
  const uint8_t *data = NULL;
  size_t key_size = 0, size = 0;
  if (agentsecrets_machine_next(machine, now, &task, &step, &wake, &error) != 0) abort();
  if (step != NULL) {
    if (handed_out + 1 >= STEPS) abort();
    steps[++handed_out] = step;
    agentsecrets_step_key(step, &key, &key_size, NULL);
  }
  switch (task) {
    case AGENTSECRETS_TASK_LOAD: append(here, "LOAD %zu %.*s", handed_out, (int)key_size, key); break;
    case AGENTSECRETS_TASK_STORE:
      append(here, "STORE %zu %.*s ", handed_out, (int)key_size, key);
      if (agentsecrets_step_bytes(step, &data, &size, NULL) != 0) abort();
      append_hex(here, data, size);
      break;
    case AGENTSECRETS_TASK_REMOVE: append(here, "REMOVE %zu %.*s", handed_out, (int)key_size, key); break;
    case AGENTSECRETS_TASK_SEND: show_send(here, step); break;
    case AGENTSECRETS_TASK_WAIT: append(here, "WAIT"); break;
    case AGENTSECRETS_TASK_SLEEP: append(here, "SLEEP %llu", (unsigned long long)wake); break;
    default: append(here, "DONE");
  }
}

/* A reply; -1 where the step was never handed out, which C cannot even say. */
static int32_t reply(char **words) {
  size_t at = strtoull(words[1], NULL, 10), size = 0;
  if (at >= STEPS || steps[at] == NULL) return -1;
  if (strcmp(words[0], "stored") == 0) return agentsecrets_machine_stored(machine, steps[at], &error);
  if (strcmp(words[0], "failed") == 0) return agentsecrets_machine_failed(machine, steps[at], atoi(words[2]), &error);
  const char *word = strcmp(words[0], "loaded") == 0 ? words[2] : words[4];
  bool found = strcmp(word, "none") != 0;
  uint8_t *bytes = bytes_of(found ? word : "-", &size);
  int32_t code = strcmp(words[0], "loaded") == 0
                     ? agentsecrets_machine_loaded(machine, steps[at], found, bytes, size, &error)
                     : agentsecrets_machine_answered(machine, steps[at], (uint16_t)atoi(words[2]), atoll(words[3]), bytes, size, &error);
  free(bytes);
  return code;
}

static void show_secrets(text *here, agentsecrets_secrets *secrets) {
  append(here, " secrets %zu", agentsecrets_secrets_count(secrets));
  for (size_t place = 0; place < agentsecrets_secrets_count(secrets); place++) {
    agentsecrets_bytes *name = NULL;
    agentsecrets_secret *secret = NULL;
    const uint8_t *data = NULL;
    size_t size = 0;
    if (agentsecrets_secrets_name(secrets, place, &name, NULL) != 0) abort();
    agentsecrets_bytes_borrow(name, &data, &size, NULL);
    append(here, " %.*s ", (int)size, (const char *)data);
    if (agentsecrets_secrets_get(secrets, (const char *)data, size, &secret, NULL) != 0) abort();
    agentsecrets_secret_borrow(secret, &data, &size, NULL);
    append_hex(here, data, size);
    agentsecrets_secret_free(secret);
    agentsecrets_bytes_free(name);
  }
}

static void finish(text *here) {
  agentsecrets_bytes *shown = NULL;
  agentsecrets_secret *hidden = NULL;
  agentsecrets_secrets *secrets = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  int32_t code = agentsecrets_machine_finish(machine, &shown, &hidden, &secrets, &error);
  append(here, "%d", code);
  if (code == 0 && shown != NULL) {
    agentsecrets_bytes_borrow(shown, &data, &size, NULL);
    append(here, " text ");
    append_hex(here, data, size);
  } else if (code == 0 && hidden != NULL) {
    append(here, " secret");
  } else if (code == 0 && secrets != NULL) {
    show_secrets(here, secrets);
  } else if (code == 0) {
    append(here, " nothing");
  }
  agentsecrets_bytes_free(shown);
  agentsecrets_secret_free(hidden);
  agentsecrets_secrets_free(secrets);
}

static void message(const char *there) {
  text here = {0};
  const char *data = NULL;
  size_t size = 0;
  if (skipped == number - 1) {
    skipped = 0;
    return;
  }
  if (agentsecrets_error_message(error, &data, &size) != 0) abort();
  append_hex(&here, data, size);
  compare(&here, there);
  free(here.data);
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static void act(char **words, size_t count, const char *there) {
  text here = {0};
  agentsecrets_error_free(error);
  error = NULL;
  if (strcmp(words[0], "start") == 0) append(&here, "%d", start(words, count));
  else if (strcmp(words[0], "next") == 0) next(&here, strtoull(words[1], NULL, 10));
  else if (strcmp(words[0], "finish") == 0) finish(&here);
  else if (strcmp(words[0], "close") == 0) append(&here, "%d", agentsecrets_machine_close(machine, &error));
  else {
    int32_t code = reply(words);
    if (code == -1) skipped = number;
    else append(&here, "%d", code);
  }
  if (skipped != number) compare(&here, there);
  free(here.data);
}

static void line(char *words_of) {
  char *words[WORDS] = {0}, *there = NULL;
  size_t count = 0;
  if (words_of[0] == '#') return;
  if (strncmp(words_of, "message ", 8) == 0) {
    message(words_of + 8);
    return;
  }
  if (strncmp(words_of, "identity ", 9) == 0) {
    if (agentsecrets_identity_parse(words_of + 9, strlen(words_of + 9), &identity, NULL) != 0) abort();
    return;
  }
  there = strstr(words_of, " = ");
  if (there == NULL) abort();
  *there = 0;
  for (char *word = strtok(words_of, " "); word != NULL && count < WORDS; word = strtok(NULL, " ")) words[count++] = word;
  act(words, count, there + 3);
}

static void play(void) {
  FILE *lines = fopen(file, "r");
  char *one = NULL;
  size_t room = 0;
  if (lines == NULL) abort();
  for (number = 1; getline(&one, &room, lines) > 0; number++) {
    one[strcspn(one, "\n")] = 0;
    line(one);
  }
  free(one);
  fclose(lines);
  fresh_machine();
  agentsecrets_error_free(error);
  agentsecrets_identity_free(identity);
  error = NULL;
  identity = NULL;
}

int main(int argc, char **argv) {
  size_t passed = 0, failed = 0;
  for (int at = 1; at < argc; at++) {
    size_t before = wrong;
    file = argv[at];
    play();
    if (wrong == before) passed++;
    else failed++;
  }
  printf("%zu scenarios as they are written, %zu not\n", passed, failed);
  return failed != 0 || passed < 40;
}
