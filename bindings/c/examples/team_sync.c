/* Two devices of a team share a value through a relay that can read nothing: found, invite, join, admit, push, pull.
 *
 *     ./team_sync RELAY_URL FOLDER      the folder gets two vaults
 */
#include <agentsecrets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(text) text, strlen(text)

static agentsecrets_error *error;

static void check(int code, const char *what) {
  if (code == 0) return;
  const char *text = NULL;
  size_t size = 0;
  agentsecrets_error_message(error, &text, &size);
  fprintf(stderr, "%s: error[%s]: %.*s\n", what, agentsecrets_error_code_name(code), (int)size, text);
  exit(1);
}

/* Prints a text and frees it. */
static void show(const char *what, agentsecrets_bytes *bytes) {
  const uint8_t *data = NULL;
  size_t size = 0;
  check(agentsecrets_bytes_borrow(bytes, &data, &size, &error), what);
  printf("%s: %.*s\n", what, (int)size, (const char *)data);
  agentsecrets_bytes_free(bytes);
}

static agentsecrets_client *device(const char *folder, const char *name) {
  char home[512], key[600];
  agentsecrets_config *config = NULL;
  agentsecrets_client *client = NULL;
  bool made = false;
  snprintf(home, sizeof home, "%s/%s", folder, name);
  snprintf(key, sizeof key, "%s/%s.key", folder, name);
  check(agentsecrets_config_new(&config, &error), "settings");
  check(agentsecrets_config_set(config, TEXT("vault"), TEXT("file"), &error), "vault");
  check(agentsecrets_config_set(config, TEXT("home"), TEXT(home), &error), "home");
  check(agentsecrets_config_set(config, TEXT("vault_key_file"), TEXT(key), &error), "key");
  check(agentsecrets_init(config, TEXT(name), &made, &error), "init");
  check(agentsecrets_client_open(config, &client, &error), "open");
  agentsecrets_config_free(config);
  return client;
}

static void invite_and_join(agentsecrets_client *founder, agentsecrets_client *newcomer) {
  agentsecrets_secret *code = NULL;
  agentsecrets_bytes *workspace = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  uint64_t admitted = 0;
  check(agentsecrets_client_invite(founder, TEXT("writer"), NULL, 0, 0, &code, &error), "invite");
  /* The code goes from person to person, by another way than the relay. */
  check(agentsecrets_secret_borrow(code, &data, &size, &error), "code");
  check(agentsecrets_client_join(newcomer, (const char *)data, size, TEXT("desk"), &workspace, &error), "join");
  show("joined", workspace);
  agentsecrets_secret_free(code);
  check(agentsecrets_client_admit(founder, &admitted, &error), "admit");
  printf("admitted %llu\n", (unsigned long long)admitted);
}

static void compare(agentsecrets_client *client) {
  agentsecrets_bytes *number = NULL;
  check(agentsecrets_client_safety_number(client, TEXT("desk"), &number, &error), "safety number");
  show("safety number", number);
}

static void hand_over(agentsecrets_client *from, agentsecrets_client *to) {
  static const char value[] = "postgres://app:fake@db.invalid/acme";
  uint64_t count = 0;
  agentsecrets_secrets *secrets = NULL;
  agentsecrets_secret *secret = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  check(agentsecrets_client_set(from, NULL, 0, TEXT("DATABASE_URL"), (const uint8_t *)value, strlen(value), &error), "set");
  check(agentsecrets_client_push(from, NULL, 0, false, &count, &error), "push");
  printf("pushed %llu\n", (unsigned long long)count);
  check(agentsecrets_client_pull(to, NULL, 0, false, &error), "pull");
  check(agentsecrets_client_secrets(to, NULL, 0, &secrets, &error), "secrets");
  check(agentsecrets_secrets_get(secrets, TEXT("DATABASE_URL"), &secret, &error), "get");
  check(agentsecrets_secret_borrow(secret, &data, &size, &error), "borrow");
  printf("the same value: %s\n", size == strlen(value) && memcmp(data, value, size) == 0 ? "yes" : "no");
  agentsecrets_secret_free(secret);
  agentsecrets_secrets_free(secrets);
}

static void look(agentsecrets_client *client) {
  agentsecrets_bytes *report = NULL;
  check(agentsecrets_client_sync(client, &report, &error), "sync");
  show("synced", report);
  check(agentsecrets_client_drift(client, NULL, 0, &report, &error), "drift");
  show("drift", report);
  check(agentsecrets_client_members(client, &report, &error), "members");
  show("members", report);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: team_sync RELAY_URL FOLDER\n");
    return 2;
  }
  agentsecrets_client *laptop = device(argv[2], "laptop"), *desk = device(argv[2], "desk");
  agentsecrets_bytes *workspace = NULL;
  check(agentsecrets_client_create(laptop, TEXT("acme"), TEXT("laptop"), TEXT(argv[1]), &workspace, &error), "create");
  show("workspace", workspace);
  invite_and_join(laptop, desk);
  check(agentsecrets_client_pull(desk, NULL, 0, false, &error), "first pull");
  compare(laptop);
  hand_over(laptop, desk);
  look(desk);
  agentsecrets_client_free(laptop);
  agentsecrets_client_free(desk);
  return 0;
}
