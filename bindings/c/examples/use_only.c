/* Uses a key that it cannot read: requests where the key's policy says so, narrower handles, redaction, a command.
 *
 *     cc use_only.c $(pkg-config --cflags --libs agentsecrets) -o use_only && ./use_only PORT
 *
 * PORT is where a server on loopback listens that repeats the key it is sent, as careless ones do.
 */
#include <agentsecrets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An error that ends the program. */
static void must(int32_t code, agentsecrets_error *error) {
  const char *text = NULL;
  size_t size = 0;
  if (code == 0) return;
  agentsecrets_error_message(error, &text, &size);
  fprintf(stderr, "error[%s]: %.*s\n", agentsecrets_error_code_name(code), (int)size, text);
  exit(1);
}

/* A refusal that is meant to come. */
static void refused(const char *what, int32_t code, agentsecrets_error **error) {
  if (code == 0) {
    fprintf(stderr, "%s is let through\n", what);
    exit(1);
  }
  printf("%s: %s\n", what, agentsecrets_error_code_name(code));
  agentsecrets_error_free(*error);
  *error = NULL;
}

static agentsecrets_slice slice(const char *text) { return (agentsecrets_slice){(const uint8_t *)text, strlen(text)}; }

/* A workspace in memory whose admin has decided what the key may be used for. */
static agentsecrets_secrets *with_a_policy(const char *port) {
  agentsecrets_error *error = NULL;
  agentsecrets_identity *identity = NULL;
  agentsecrets_secret *string = NULL;
  agentsecrets_config *config = NULL;
  agentsecrets_client *client = NULL;
  agentsecrets_bytes *workspace = NULL;
  agentsecrets_secrets *secrets = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  uint64_t count = 0;
  char policy[512];
  int length = snprintf(policy, sizeof policy,
                        "{\"access\":\"use-only\",\"rules\":[{\"scheme\":\"http\",\"host\":\"127.0.0.1\",\"port\":%s,"
                        "\"methods\":[\"GET\"],\"paths\":[\"/v1/*\"],\"places\":[\"bearer\"]}]}", port);
  must(agentsecrets_identity_generate("human", 5, &identity, &error), error);
  must(agentsecrets_identity_string(identity, &string, &error), error);
  must(agentsecrets_secret_borrow(string, &data, &size, &error), error);
  must(agentsecrets_config_new(&config, &error), error);
  must(agentsecrets_config_set(config, "vault", 5, "memory", 6, &error), error);
  must(agentsecrets_config_set(config, "identity", 8, (const char *)data, size, &error), error);
  must(agentsecrets_client_open(config, &client, &error), error);
  must(agentsecrets_client_create(client, "acme", 4, "laptop", 6, NULL, 0, &workspace, &error), error);
  must(agentsecrets_client_set(client, NULL, 0, "API_KEY", 7, (const uint8_t *)"fake-key-4711", 13, &error), error);
  must(agentsecrets_client_set(client, NULL, 0, "PORT", 4, (const uint8_t *)port, strlen(port), &error), error);
  must(agentsecrets_client_push(client, NULL, 0, false, &count, &error), error);
  must(agentsecrets_client_set_secret_policy(client, NULL, 0, "API_KEY", 7, policy, (size_t)length, &error), error);
  must(agentsecrets_client_secrets(client, NULL, 0, &secrets, &error), error);
  agentsecrets_bytes_free(workspace);
  agentsecrets_client_free(client);
  agentsecrets_config_free(config);
  agentsecrets_secret_free(string);
  agentsecrets_identity_free(identity);
  return secrets;
}

/* The server gets the key; the program gets the answer without it. */
static int32_t ask(const agentsecrets_handle *handle, const char *url, agentsecrets_error **error) {
  agentsecrets_answer *answer = NULL;
  const uint8_t *body = NULL;
  size_t size = 0;
  int32_t code = agentsecrets_handle_request(handle, "GET", 3, url, strlen(url), NULL, &answer, error);
  if (code != 0) return code;
  must(agentsecrets_answer_body(answer, &body, &size, error), *error);
  printf("status %u, %llu time(s) redacted: %.*s\n", agentsecrets_answer_status(answer),
         (unsigned long long)agentsecrets_answer_redactions(answer), (int)size, (const char *)body);
  agentsecrets_answer_free(answer);
  return 0;
}

static void requests(const agentsecrets_handle *handle, const char *port) {
  agentsecrets_error *error = NULL;
  agentsecrets_handle *once = NULL, *twice = NULL;
  agentsecrets_attenuate_options options = {.size = sizeof options, .limit_uses = 1, .uses = 1};
  char url[128];
  snprintf(url, sizeof url, "http://127.0.0.1:%s/v1/echo", port);
  must(ask(handle, url, &error), error);
  refused("another host", ask(handle, "https://example.org/v1/echo", &error), &error);
  /* For a helper: one use, which counts against this handle too. */
  must(agentsecrets_handle_attenuate(handle, &options, &once, &error), error);
  options.uses = 2;
  refused("more uses than there are", agentsecrets_handle_attenuate(once, &options, &twice, &error), &error);
  must(ask(once, url, &error), error);
  refused("a second use", ask(once, url, &error), &error);
  agentsecrets_handle_free(once);
}

/* A log line loses the key in whatever form it stands there. */
static void redaction(const agentsecrets_secrets *secrets) {
  const char *line = "authorization: Basic YXBpOmZha2Uta2V5LTQ3MTE=";
  agentsecrets_error *error = NULL;
  agentsecrets_redactor *redactor = NULL;
  agentsecrets_bytes *redacted = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  must(agentsecrets_secrets_redactor(secrets, &redactor, &error), error);
  must(agentsecrets_redactor_redact(redactor, (const uint8_t *)line, strlen(line), &redacted, &error), error);
  must(agentsecrets_bytes_borrow(redacted, &data, &size, &error), error);
  printf("%.*s\n", (int)size, (const char *)data);
  agentsecrets_bytes_free(redacted);
  agentsecrets_redactor_free(redactor);
}

/* A command gets what it may read, by name, and nothing else. */
static void commands(const agentsecrets_secrets *secrets) {
  agentsecrets_error *error = NULL;
  agentsecrets_child *child = NULL;
  const agentsecrets_slice command[] = {slice("sh"), slice("-c"), slice("test -n \"$PORT\" && test -z \"$API_KEY\"")};
  const agentsecrets_slice port = slice("PORT"), key = slice("API_KEY");
  int32_t ended = 0, code = 0;
  refused("the key for a command", agentsecrets_spawn(secrets, command, 3, &key, 1, &child, &error), &error);
  must(agentsecrets_spawn(secrets, command, 3, &port, 1, &child, &error), error);
  while (ended == 0) must(agentsecrets_child_wait(child, 1000, &ended, &code, &error), error);
  printf("the command ended with %d\n", code);
  agentsecrets_child_free(child);
}

int main(int argc, char **argv) {
  agentsecrets_error *error = NULL;
  agentsecrets_secret *value = NULL;
  agentsecrets_handle *handle = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: use_only PORT\n");
    return 2;
  }
  agentsecrets_secrets *secrets = with_a_policy(argv[1]);
  refused("reading it", agentsecrets_secrets_get(secrets, "API_KEY", 7, &value, &error), &error);
  must(agentsecrets_secrets_handle(secrets, "API_KEY", 7, &handle, &error), error);
  requests(handle, argv[1]);
  redaction(secrets);
  commands(secrets);
  agentsecrets_handle_free(handle);
  agentsecrets_secrets_free(secrets);
  return 0;
}
