/* What the tools must notice: run with `leak`, `overflow` or `undefined`. */
#include <agentsecrets.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  volatile char *block = malloc(8);
  volatile int number = INT_MAX;
  if (block == NULL || agentsecrets_abi_version() != 1) return 2;
  if (strcmp(what, "overflow") == 0) block[8] = 1;
  if (strcmp(what, "undefined") == 0) number = number + 1;
  if (strcmp(what, "leak") == 0) block = NULL;
  free((void *)block);
  printf("%d\n", number == 0);
  return 0;
}
