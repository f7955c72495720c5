# shellcheck shell=bash
# Sourced by the scripts, after `root`, the repository that they are of: where things lie.
#   zoo_home   whose .venv, build and data are used: ZOO_HOME, a zoo that others have prepared, else this repository
#   zoo_work   where runs and data of this user go: this repository, or the current folder where it may only be read
# A room of many users needs one zoo_home, which all may read: a user either has a clone of his own and sets ZOO_HOME, or calls
# the scripts of zoo_home from a folder of his own. What is shared appears there as links: .venv, build/release, data/NAME.
zoo_home="${ZOO_HOME:-$root}"
if [ -n "${ZOO_HOME:-}" ]; then
  if ! [ -f "$ZOO_HOME/scripts/build.sh" ]; then
    echo "zoo: ZOO_HOME is $ZOO_HOME, which is no clone of this repository: name the folder that holds its scripts/" >&2
    exit 1
  fi
  zoo_home="$(cd "$ZOO_HOME" && pwd)"
fi
zoo_work="$root"
if ! [ -w "$root" ]; then zoo_work="$PWD"; fi

# Links what zoo_home has and this user has not.
link_shared() {
  [ "$zoo_home" != "$zoo_work" ] || return 0
  if ! [ -w "$zoo_work" ]; then
    echo "zoo: $root may only be read, and so may the current folder: call this from a folder of your own" >&2
    exit 1
  fi
  local name
  for name in .venv build/release train; do
    if [ -e "$zoo_home/$name" ] && ! [ -e "$zoo_work/$name" ]; then
      mkdir -p "$(dirname "$zoo_work/$name")"
      ln -sfn "$zoo_home/$name" "$zoo_work/$name"
    fi
  done
}
