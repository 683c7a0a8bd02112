/* The shortest true path: the values of this project's environment, as an application asks for at start.
 *
 *     cc quickstart.c $(pkg-config --cflags --libs agentsecrets) -o quickstart && ./quickstart DATABASE_URL
 */
#include <agentsecrets.h>
#include <stdio.h>
#include <string.h>

static int failed(agentsecrets_error *error) {
  const char *text = NULL;
  size_t size = 0;
  int code = agentsecrets_error_code(error);
  agentsecrets_error_message(error, &text, &size);
  fprintf(stderr, "error[%s]: %.*s\n", agentsecrets_error_code_name(code), (int)size, text);
  agentsecrets_error_hint(error, &text, &size);
  fprintf(stderr, "help: %.*s\n", (int)size, text);
  agentsecrets_error_free(error);
  return 1;
}

int main(int argc, char **argv) {
  agentsecrets_error *error = NULL;
  agentsecrets_config *config = NULL;
  agentsecrets_secrets *secrets = NULL;
  agentsecrets_secret *secret = NULL;
  int status = 1;

  if (argc != 2) {
    fprintf(stderr, "usage: quickstart NAME\n");
    return 2;
  }
  if (agentsecrets_config_discover(&config, &error) != 0 ||
      agentsecrets_load(config, NULL, &secrets, &error) != 0 ||
      agentsecrets_secrets_get(secrets, argv[1], strlen(argv[1]), &secret, &error) != 0) {
    failed(error);
  } else {
    const uint8_t *data = NULL;
    size_t size = 0;
    if (agentsecrets_secret_borrow(secret, &data, &size, &error) == 0) {
      /* Here an application connects; it never prints the value. */
      printf("%s has %zu bytes; %zu values are there\n", argv[1], size, agentsecrets_secrets_count(secrets));
      status = 0;
    }
  }
  agentsecrets_secret_free(secret);
  agentsecrets_secrets_free(secrets);
  agentsecrets_config_free(config);
  return status;
}
