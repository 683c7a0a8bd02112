// What a bundler for browsers finds in the place of this package: no export, so that the build fails; and should it pass:

throw new Error("agentsecrets-core is for servers: import it from code that never reaches a browser");
