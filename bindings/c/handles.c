/* Plays conformance/handles through the C interface: policies, handles, redaction and commands. Prints every line that does
 * not come to what the file says.
 *
 *     handles PORT FILE...       PORT: where conformance/handles/server.py listens
 */
#define _GNU_SOURCE
#include <agentsecrets.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 16, DEPTH = 8 };

typedef struct {
  char *data;
  size_t size;
} text;

static const char *port, *file;
static size_t number, wrong;
static agentsecrets_client *client;
static agentsecrets_secrets *secrets;
static agentsecrets_handle *handles[DEPTH];
static size_t depth;
static agentsecrets_error *error;

/* --- words ------------------------------------------------------------------------------------------------------- */

static void append(text *to, const char *format, ...) {
  va_list arguments;
  char *more = NULL;
  va_start(arguments, format);
  int size = vasprintf(&more, format, arguments);
  va_end(arguments);
  if (size < 0 || (to->data = realloc(to->data, to->size + (size_t)size + 1)) == NULL) abort();
  memcpy(to->data + to->size, more, (size_t)size + 1);
  to->size += (size_t)size;
  free(more);
}

/* Bytes as a word; what is not printable ASCII, and the percent sign, as %XX. */
static void append_word(text *to, const void *bytes, size_t size) {
  const uint8_t *data = bytes;
  if (size == 0) append(to, " -");
  else if (size == 1 && data[0] == '-') append(to, " %%2D");
  else append(to, " ");
  for (size_t at = 0; at < size && !(size == 1 && data[0] == '-'); at++) {
    if (data[at] >= '!' && data[at] <= '~' && data[at] != '%') append(to, "%c", data[at]);
    else append(to, "%%%02X", data[at]);
  }
}

/* A word in its bytes, in its own place, with a zero after them; `-` is nothing. */
static agentsecrets_slice bytes_of(char *word) {
  uint8_t *out = (uint8_t *)word;
  size_t size = 0;
  if (strcmp(word, "-") == 0) {
    word[0] = 0;
    return (agentsecrets_slice){out, 0};
  }
  for (const char *in = word; *in != 0; size++) {
    unsigned byte = 0;
    if (*in != '%') {
      out[size] = (uint8_t)*in++;
      continue;
    }
    if (sscanf(in + 1, "%2x", &byte) != 1) abort();
    out[size] = (uint8_t)byte;
    in += 3;
  }
  out[size] = 0;
  return (agentsecrets_slice){out, size};
}

static void append_bytes(text *to, agentsecrets_bytes *bytes) {
  const uint8_t *data = NULL;
  size_t size = 0;
  if (agentsecrets_bytes_borrow(bytes, &data, &size, NULL) != 0) abort();
  append_word(to, data, size);
  agentsecrets_bytes_free(bytes);
}

/* --- what a program does ----------------------------------------------------------------------------------------- */

static void must(int32_t code) {
  if (code == 0) return;
  fprintf(stderr, "%s:%zu: code %d\n", file, number, code);
  abort();
}

static void begin(void) {
  agentsecrets_identity *identity = NULL;
  agentsecrets_config *config = NULL;
  agentsecrets_secret *string = NULL;
  agentsecrets_bytes *workspace = NULL;
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
  agentsecrets_bytes_free(workspace);
  agentsecrets_config_free(config);
  agentsecrets_secret_free(string);
  agentsecrets_identity_free(identity);
}

static void forget_handles(void) {
  while (depth > 0) agentsecrets_handle_free(handles[--depth]);
}

static void end(void) {
  forget_handles();
  agentsecrets_secrets_free(secrets);
  agentsecrets_client_free(client);
  agentsecrets_error_free(error);
  secrets = NULL;
  client = NULL;
  error = NULL;
}

static int32_t set(char **words) {
  agentsecrets_slice value = bytes_of(words[2]);
  uint64_t count = 0;
  int32_t code = agentsecrets_client_set(client, NULL, 0, words[1], strlen(words[1]), value.data, value.size, &error);
  return code != 0 ? code : agentsecrets_client_push(client, NULL, 0, false, &count, &error);
}

static int32_t policy(char **words) {
  agentsecrets_slice json = bytes_of(words[2]);
  /* An empty text, too, takes it away. */
  if (json.size == 4 && memcmp(json.data, "null", 4) == 0) json.size = 0;
  return agentsecrets_client_set_secret_policy(client, NULL, 0, words[1], strlen(words[1]), (const char *)json.data,
                                               json.size, &error);
}

static int32_t shown(text *got, char **words) {
  agentsecrets_bytes *json = NULL;
  int32_t code = agentsecrets_client_secret_policy(client, NULL, 0, words[1], strlen(words[1]), &json, &error);
  if (code == 0) append_bytes(got, json);
  return code;
}

static int32_t load(void) {
  agentsecrets_secrets_free(secrets);
  secrets = NULL;
  return agentsecrets_client_secrets(client, NULL, 0, &secrets, &error);
}

static int32_t read_value(text *got, char **words) {
  agentsecrets_secret *secret = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  int32_t code = agentsecrets_secrets_get(secrets, words[1], strlen(words[1]), &secret, &error);
  if (code != 0) return code;
  must(agentsecrets_secret_borrow(secret, &data, &size, NULL));
  append_word(got, data, size);
  agentsecrets_secret_free(secret);
  return 0;
}

static int32_t take_handle(char **words) {
  agentsecrets_handle *taken = NULL;
  int32_t code = agentsecrets_secrets_handle(secrets, words[1], strlen(words[1]), &taken, &error);
  if (code != 0) return code;
  forget_handles();
  handles[depth++] = taken;
  return 0;
}

static const agentsecrets_handle *handle(void) { return handles[depth - 1]; }

/* A list with commas becomes one with blanks. */
static agentsecrets_slice blanks(char *word) {
  agentsecrets_slice list = bytes_of(word);
  for (char *at = word; *at != 0; at++) {
    if (*at == ',') *at = ' ';
  }
  return list;
}

static int32_t narrow(char **words) {
  agentsecrets_slice methods = blanks(words[1]), paths = blanks(words[2]);
  agentsecrets_attenuate_options options = {.size = sizeof options};
  options.methods = (const char *)methods.data;
  options.methods_size = methods.size;
  options.paths = (const char *)paths.data;
  options.paths_size = paths.size;
  options.ttl_ms = strtoull(words[3], NULL, 10);
  options.limit_uses = strcmp(words[4], "-") != 0;
  options.uses = strtoull(words[4], NULL, 10);
  agentsecrets_handle *narrower = NULL;
  int32_t code = agentsecrets_handle_attenuate(handle(), &options, &narrower, &error);
  if (code != 0) return code;
  if (depth == DEPTH) abort();
  handles[depth++] = narrower;
  return 0;
}

static int32_t left(text *got) {
  agentsecrets_bytes *json = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  int32_t code = agentsecrets_handle_about(handle(), &json, &error);
  if (code != 0) return code;
  must(agentsecrets_bytes_borrow(json, &data, &size, NULL));
  const char *uses = memmem(data, size, "\"uses_left\":", 12);
  if (uses == NULL) abort();
  if (uses[12] == 'n') append(got, " -");
  else append(got, " %llu", strtoull(uses + 12, NULL, 10));
  agentsecrets_bytes_free(json);
  return 0;
}

static void answered(text *got, const agentsecrets_answer *answer) {
  const uint8_t *data = NULL;
  size_t size = 0, echoes = 0;
  append(got, " %u %llu", agentsecrets_answer_status(answer), (unsigned long long)agentsecrets_answer_redactions(answer));
  for (size_t place = 0; place < agentsecrets_answer_header_count(answer); place++) {
    agentsecrets_bytes *name = NULL, *value = NULL;
    must(agentsecrets_answer_header(answer, place, &name, &value, NULL));
    must(agentsecrets_bytes_borrow(name, &data, &size, NULL));
    if (size == 10 && memcmp(data, "set-cookie", 10) == 0) append(got, " a-cookie");
    if (size == 6 && memcmp(data, "x-echo", 6) == 0 && echoes++ == 0) append_bytes(got, value);
    else agentsecrets_bytes_free(value);
    agentsecrets_bytes_free(name);
  }
  if (echoes == 0) append(got, " -");
  must(agentsecrets_answer_body(answer, &data, &size, NULL));
  append_word(got, data, size);
}

static int32_t request(text *got, char **words) {
  agentsecrets_slice target = bytes_of(words[2]), place = bytes_of(words[3]), header = bytes_of(words[4]), body = bytes_of(words[5]);
  agentsecrets_request_options options = {.size = sizeof options};
  agentsecrets_slice pair[2] = {{NULL, 0}, {NULL, 0}};
  text url = {0};
  const uint8_t *colon = header.size == 0 ? NULL : memchr(header.data, ':', header.size);
  if (colon != NULL) {
    pair[0] = (agentsecrets_slice){header.data, (size_t)(colon - header.data)};
    pair[1] = (agentsecrets_slice){colon + 1, header.size - pair[0].size - 1};
    options.headers = pair;
    options.header_count = 2;
  }
  options.body = body.data;
  options.body_size = body.size;
  options.place = (const char *)place.data;
  options.place_size = place.size;
  if (target.data[0] == '/') append(&url, "http://127.0.0.1:%s", port);
  append(&url, "%s", (const char *)target.data);
  agentsecrets_answer *answer = NULL;
  int32_t code = agentsecrets_handle_request(handle(), words[1], strlen(words[1]), url.data, url.size, &options, &answer, &error);
  if (code == 0) answered(got, answer);
  agentsecrets_answer_free(answer);
  free(url.data);
  return code;
}

static int32_t sign(text *got, char **words) {
  agentsecrets_slice message = bytes_of(words[1]);
  agentsecrets_bytes *mac = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  int32_t code = agentsecrets_handle_sign(handle(), message.data, message.size, &mac, &error);
  if (code != 0) return code;
  must(agentsecrets_bytes_borrow(mac, &data, &size, NULL));
  append(got, " ");
  for (size_t at = 0; at < size; at++) append(got, "%02x", data[at]);
  agentsecrets_bytes_free(mac);
  return 0;
}

static void append_raw(text *to, agentsecrets_bytes *bytes) {
  const uint8_t *data = NULL;
  size_t size = 0;
  must(agentsecrets_bytes_borrow(bytes, &data, &size, NULL));
  to->data = realloc(to->data, to->size + size + 1);
  if (to->data == NULL) abort();
  if (size > 0) memcpy(to->data + to->size, data, size);
  to->size += size;
  agentsecrets_bytes_free(bytes);
}

static int32_t redact(text *got, char **words, size_t count) {
  agentsecrets_redactor *redactor = NULL;
  agentsecrets_redaction *stream = NULL;
  agentsecrets_bytes *piece = NULL;
  text out = {0};
  int32_t code = agentsecrets_secrets_redactor(secrets, &redactor, &error);
  if (code != 0) return code;
  must(agentsecrets_redactor_stream(redactor, &stream, NULL));
  /* The stream outlives what it comes from. */
  agentsecrets_redactor_free(redactor);
  for (size_t at = 1; at < count; at++) {
    agentsecrets_slice bytes = bytes_of(words[at]);
    must(agentsecrets_redaction_push(stream, bytes.data, bytes.size, &piece, NULL));
    append_raw(&out, piece);
  }
  must(agentsecrets_redaction_finish(stream, &piece, NULL));
  append_raw(&out, piece);
  append_word(got, out.data, out.size);
  agentsecrets_redaction_free(stream);
  free(out.data);
  return 0;
}

static int32_t spawn(text *got, char **words, size_t count) {
  agentsecrets_slice command[WORDS], names[WORDS];
  size_t named = 0;
  agentsecrets_child *child = NULL;
  int32_t ended = 0, exit_code = 0;
  for (size_t at = 2; at < count; at++) command[at - 2] = bytes_of(words[at]);
  if (strcmp(words[1], "-") != 0) {
    for (char *name = strtok(words[1], ","); name != NULL; name = strtok(NULL, ","))
      names[named++] = (agentsecrets_slice){(const uint8_t *)name, strlen(name)};
  }
  int32_t code = agentsecrets_spawn(secrets, command, count - 2, names, named, &child, &error);
  if (code != 0) return code;
  must(agentsecrets_child_wait(child, 60000, &ended, &exit_code, NULL));
  append(got, ended != 0 ? " %d" : " running", exit_code);
  agentsecrets_child_free(child);
  return 0;
}

/* --- lines ------------------------------------------------------------------------------------------------------- */

static int32_t act(text *got, char **words, size_t count) {
  const char *verb = words[0];
  if (strcmp(verb, "secret") == 0) return set(words);
  if (strcmp(verb, "policy") == 0) return policy(words);
  if (strcmp(verb, "shown") == 0) return shown(got, words);
  if (strcmp(verb, "load") == 0) return load();
  if (strcmp(verb, "read") == 0) return read_value(got, words);
  if (strcmp(verb, "handle") == 0) return take_handle(words);
  if (strcmp(verb, "narrow") == 0) return narrow(words);
  if (strcmp(verb, "left") == 0) return left(got);
  if (strcmp(verb, "request") == 0) return request(got, words);
  if (strcmp(verb, "sign") == 0) return sign(got, words);
  if (strcmp(verb, "redact") == 0) return redact(got, words, count);
  if (strcmp(verb, "spawn") == 0) return spawn(got, words, count);
  if (strcmp(verb, "wider") != 0) abort();
  agentsecrets_handle_free(handles[--depth]);
  return 0;
}

static void compare(const char *here, const char *there) {
  if (strcmp(here, there) == 0) return;
  wrong++;
  printf("%s:%zu: here  %.400s\n    there %.400s\n", file, number, here, there);
}

static void message(const char *there) {
  text here = {0};
  const char *data = NULL;
  size_t size = 0;
  if (agentsecrets_error_message(error, &data, &size) != 0) append(&here, "no error");
  append_word(&here, data, size);
  compare(here.data + 1, there);
  free(here.data);
}

/* C has no call that reads a handle: there is nothing to try, and no message to compare. */
static int reads_a_handle(const char *line) {
  static int before;
  const int message_of_it = before && strncmp(line, "message ", 8) == 0;
  before = strncmp(line, "reveal", 6) == 0;
  return before || message_of_it;
}

static void line(char *one) {
  char *words[WORDS] = {0};
  size_t count = 0;
  text here = {0}, got = {0};
  if (one[0] == '#' || reads_a_handle(one)) return;
  if (strncmp(one, "message ", 8) == 0) {
    message(one + 8);
    return;
  }
  char *there = strstr(one, " = ");
  if (there == NULL) abort();
  *there = 0;
  for (char *word = strtok(one, " "); word != NULL && count < WORDS; word = strtok(NULL, " ")) words[count++] = word;
  agentsecrets_error_free(error);
  error = NULL;
  append(&here, "%d", act(&got, words, count));
  if (got.data != NULL) append(&here, "%s", got.data);
  compare(here.data, there + 3);
  free(here.data);
  free(got.data);
}

/* The line with the server's port in it. */
static char *with_port(const char *one) {
  text out = {0};
  for (const char *mark; (mark = strstr(one, "{port}")) != NULL; one = mark + 6) append(&out, "%.*s%s", (int)(mark - one), one, port);
  append(&out, "%s", one);
  return out.data;
}

static void play(void) {
  FILE *lines = fopen(file, "r");
  char *one = NULL;
  size_t room = 0;
  if (lines == NULL) abort();
  begin();
  for (number = 1; getline(&one, &room, lines) > 0; number++) {
    one[strcspn(one, "\n")] = 0;
    char *whole = with_port(one);
    line(whole);
    free(whole);
  }
  free(one);
  fclose(lines);
  end();
}

int main(int argc, char **argv) {
  size_t passed = 0, failed = 0;
  port = argc > 1 ? argv[1] : "0";
  for (int at = 2; at < argc; at++) {
    size_t before = wrong;
    file = argv[at];
    play();
    if (wrong == before) passed++;
    else failed++;
  }
  printf("%zu scenarios of handles as they are written, %zu not\n", passed, failed);
  return failed != 0 || passed < 10;
}
