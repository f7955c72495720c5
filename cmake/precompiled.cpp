// Compiles nothing: it exists so that the precompiled headers have targets to be made in.
