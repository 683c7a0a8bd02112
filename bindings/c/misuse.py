#!/usr/bin/env python3
"""Writes a C program that calls every function of the header wrongly, in every way that there is.

    bindings/c/misuse.py HEADER > misuse.c      HANDLES_PORT tells the program where conformance/handles/server.py listens

Each function gets: NULL, a freed handle, a handle of another kind and two made-up ones in the place of each handle;
NULL for each output; NULL with a size for each text; text that is not UTF-8. Whatever returns a code has to return
AGENTSECRETS_ERROR_INVALID_ARGUMENT, and nothing may crash or write an output.
"""
import re
import sys
from pathlib import Path

KINDS = ["error", "bytes", "config", "identity", "secret", "secrets", "client", "machine", "step", "watch", "handle", "answer",
         "redactor", "redaction", "child"]
DECLARATION = re.compile(r"^(\w[\w ]*?[ *]+)(agentsecrets_\w+)\(([^)]*)\);", re.MULTILINE)
# A program may pass no options.
FINE_WITHOUT = {"options_"}

SETTING = r"""
static agentsecrets_client *client_of(agentsecrets_identity *identity) {
  agentsecrets_config *config = NULL;
  agentsecrets_client *client = NULL;
  agentsecrets_secret *string = NULL;
  agentsecrets_bytes *workspace = NULL;
  const uint8_t *data = NULL;
  size_t size = 0;
  must(agentsecrets_config_new(&config, NULL));
  must(agentsecrets_identity_string(identity, &string, NULL));
  must(agentsecrets_secret_borrow(string, &data, &size, NULL));
  must(agentsecrets_config_set(config, "vault", 5, "memory", 6, NULL));
  must(agentsecrets_config_set(config, "identity", 8, (const char *)data, size, NULL));
  must(agentsecrets_client_open(config, &client, NULL));
  must(agentsecrets_client_create(client, "acme", 4, "laptop", 6, NULL, 0, &workspace, NULL));
  agentsecrets_bytes_free(workspace);
  agentsecrets_secret_free(string);
  agentsecrets_config_free(config);
  must(agentsecrets_client_set(client, NULL, 0, "KEY", 3, (const uint8_t *)"fake-key", 8, NULL));
  return client;
}

/* A key that may be used at the server of the scenarios of handles, and what comes of it. */
static void live_uses(void) {
  const agentsecrets_slice nothing = {(const uint8_t *)"true", 4};
  char policy[512], url[128];
  const char *port = getenv("HANDLES_PORT");
  uint64_t count = 0;
  const int length = snprintf(policy, sizeof policy, "{\"access\":\"use-only\",\"rules\":[{\"scheme\":\"http\",\"host\":\"127.0.0.1\","
                              "\"port\":%s,\"methods\":[\"GET\"],\"paths\":[\"/**\"],\"places\":[\"bearer\"]}]}", port);
  const int size = snprintf(url, sizeof url, "http://127.0.0.1:%s/v1/echo", port);
  must(agentsecrets_client_push(live_client, NULL, 0, false, &count, NULL));
  must(agentsecrets_client_set_secret_policy(live_client, NULL, 0, "KEY", 3, policy, (size_t)length, NULL));
  must(agentsecrets_client_secrets(live_client, NULL, 0, &live_secrets, NULL));
  must(agentsecrets_secrets_handle(live_secrets, "KEY", 3, &live_handle, NULL));
  must(agentsecrets_handle_request(live_handle, "GET", 3, url, (size_t)size, NULL, &live_answer, NULL));
  must(agentsecrets_secrets_redactor(live_secrets, &live_redactor, NULL));
  must(agentsecrets_redactor_stream(live_redactor, &live_redaction, NULL));
  must(agentsecrets_spawn(live_secrets, &nothing, 1, NULL, 0, &live_child, NULL));
}

static void live_handles(void) {
  const uint8_t entropy[32] = {7};
  int32_t task = 0;
  uint64_t wake = 0;
  must(agentsecrets_config_new(&live_config, NULL));
  must(agentsecrets_identity_generate("human", 5, &live_identity, NULL));
  must(agentsecrets_identity_recipient(live_identity, &live_bytes, NULL));
  must(agentsecrets_identity_string(live_identity, &live_secret, NULL));
  if (agentsecrets_config_set(live_config, "x", 1, "y", 1, &live_error) != 1) abort();
  live_client = client_of(live_identity);
  live_uses();
  must(agentsecrets_client_watch(live_client, NULL, 0, &live_watch, NULL));
  must(agentsecrets_machine_create(live_identity, 5, entropy, 32, "a", 1, "b", 1, NULL, 0, &live_machine, NULL));
  must(agentsecrets_machine_next(live_machine, 5, &task, &live_step, &wake, NULL));
}
"""


class Function:
    def __init__(self, returns, name, parameters):
        self.returns, self.name = returns.strip(), name
        self.parameters = []
        for one in parameters.replace("\n", " ").split(","):
            one = " ".join(one.split())
            if one != "void":
                kind, name = re.match(r"(.*?)(\w+)$", one).groups()
                self.parameters.append((kind.strip(), name))

    def handle(self, kind):
        found = re.fullmatch(r"(?:const )?struct agentsecrets_(\w+) \*", kind)
        return found.group(1) if found and found.group(1) in KINDS else None

    def good(self, kind, name):
        """An argument with which alone the call would not be refused."""
        if name == "error":
            return "NULL"
        if handle := self.handle(kind):
            return f"live_{handle}"
        if kind.endswith("**") or (kind.endswith("*") and not kind.startswith("const") and not self.handle(kind)):
            return f"({kind.replace('struct ', '')})places"
        if kind.startswith("const") and kind.endswith("*"):
            return "NULL"
        return "1" if name == "count" else "0"

    def calls(self):
        arguments = [self.good(*one) for one in self.parameters]
        for place, (kind, name) in enumerate(self.parameters):
            if name in FINE_WITHOUT or name == "error":
                continue
            handle = self.handle(kind)
            if handle:
                other = "bytes" if handle != "bytes" else "config"
                bad = ["NULL", f"(void *)live_{other}", f"gone_{handle}", "(void *)8", "(void *)-1"]
            elif arguments[place].endswith("places"):
                bad = ["NULL", "(void *)((char *)places + 1)"] if "uint8_t *" != kind and "bool" not in kind else ["NULL"]
            elif kind in ("const char *", "const uint8_t *"):
                bad = None
            else:
                continue
            for wrong in bad or []:
                yield self.call([*arguments[:place], wrong, *arguments[place + 1:]])
            if bad is None:
                for data, size in [("NULL", "7"), ("places", "SIZE_MAX")] + ([('"\\xff"', "1")] if "char" in kind else []):
                    cast = f"({kind}){data}"
                    yield self.call([*arguments[:place], cast, size, *arguments[place + 2:]])

    def call(self, arguments):
        return f"{self.name}({', '.join(arguments)})"


def main(header):
    text = Path(header).read_text()
    functions = [Function(*found) for found in DECLARATION.findall(text)]
    print("#include <agentsecrets.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n")
    print("static void *places[64];\nstatic long calls, wrong;\n")
    for kind in KINDS:
        print(f"static agentsecrets_{kind} *live_{kind}, *gone_{kind};")
    print("\nstatic void must(int32_t code) {\n  if (code != 0) { fprintf(stderr, \"setting: %d\\n\", code); abort(); }\n}")
    print(SETTING)
    print("""static void refused(int32_t code, const char *call) {
  static const void *const nothing[64] = {0};
  /* It says how large the buffer has to be, also where it is too small. */
  const int may_write = strncmp(call, "agentsecrets_secret_copy(live", 29) == 0;
  calls++;
  if (code != AGENTSECRETS_ERROR_INVALID_ARGUMENT) { wrong++; printf("%s returns %d\\n", call, code); }
  if (memcmp(places, nothing, sizeof places) != 0 && !may_write) { wrong++; printf("%s writes an output\\n", call); }
  memset(places, 0, sizeof places);
}

int main(void) {
  live_handles();""")
    for kind in KINDS:
        print(f"  gone_{kind} = live_{kind};")
    for kind in reversed(KINDS):
        print(f"  agentsecrets_{kind}_free(live_{kind});")
    print("  live_handles();")
    for function in functions:
        for call in function.calls():
            quoted = call.replace("\\", "\\\\").replace('"', '\\"')
            if function.returns == "int32_t" and not function.name.startswith(("agentsecrets_error_code",)):
                print(f'  refused({call}, "{quoted}");')
            else:
                print(f"  (void)({call}); calls++;" if function.returns != "void" else f"  {call}; calls++;")
    # Twice: the second finds nothing.
    for kind in reversed(KINDS):
        print(f"  agentsecrets_{kind}_free(live_{kind});\n  agentsecrets_{kind}_free(live_{kind});")
    print(f'  printf("{len(functions)} functions, %ld calls, %ld wrong\\n", calls, wrong);')
    print("  return wrong != 0;\n}")


if __name__ == "__main__":
    main(sys.argv[1])
