// The same in C++17: handles that free themselves, errors as exceptions.
#include <agentsecrets.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string_view>

template <typename T, void (*Free)(T *)>
struct Freed {
  void operator()(T *handle) const { Free(handle); }
};
using Config = std::unique_ptr<agentsecrets_config, Freed<agentsecrets_config, agentsecrets_config_free>>;
using Secrets = std::unique_ptr<agentsecrets_secrets, Freed<agentsecrets_secrets, agentsecrets_secrets_free>>;
using Secret = std::unique_ptr<agentsecrets_secret, Freed<agentsecrets_secret, agentsecrets_secret_free>>;
using Failure = std::unique_ptr<agentsecrets_error, Freed<agentsecrets_error, agentsecrets_error_free>>;

static void check(int code, agentsecrets_error *raw) {
  Failure error(raw);
  if (code == 0) return;
  const char *text = nullptr;
  size_t size = 0;
  agentsecrets_error_message(error.get(), &text, &size);
  throw std::runtime_error(std::string(agentsecrets_error_code_name(code)) + ": " + std::string(text, size));
}

static Secrets load() {
  agentsecrets_error *error = nullptr;
  agentsecrets_config *config = nullptr;
  agentsecrets_secrets *secrets = nullptr;
  int code = agentsecrets_config_discover(&config, &error);
  check(code, error);
  Config owned(config);
  code = agentsecrets_load(config, nullptr, &secrets, &error);
  check(code, error);
  return Secrets(secrets);
}

static Secret get(const Secrets &secrets, std::string_view name) {
  agentsecrets_error *error = nullptr;
  agentsecrets_secret *secret = nullptr;
  int code = agentsecrets_secrets_get(secrets.get(), name.data(), name.size(), &secret, &error);
  check(code, error);
  return Secret(secret);
}

int main(int argc, char **argv) try {
  if (argc != 2) return 2;
  Secrets secrets = load();
  Secret secret = get(secrets, argv[1]);
  const uint8_t *data = nullptr;
  size_t size = 0;
  check(agentsecrets_secret_borrow(secret.get(), &data, &size, nullptr), nullptr);
  std::cout << argv[1] << " has " << size << " bytes\n";
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << "\n";
  return 1;
}
