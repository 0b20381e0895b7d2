# Shared by the scripts in this folder; sourced, never run.

tools_dir=.tools

# stage NAME COMMAND…: runs the command and says how long it took.
stage_names=()
stage_seconds=()
stage() {
  local name=$1 began=$EPOCHREALTIME
  shift
  printf '\n== %s\n' "$name"
  "$@"
  local seconds
  seconds=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
  printf '== %s: %s s\n' "$name" "$seconds"
  stage_names+=("$name")
  stage_seconds+=("$seconds")
}

# Prints one line for each stage that ran.
stage_table() {
  local i
  printf '\n%-34s %10s\n' stage seconds
  for i in "${!stage_names[@]}"; do
    printf '%-34s %10s\n' "${stage_names[$i]}" "${stage_seconds[$i]}"
  done
}

# npm_tree SOURCE TARGET: installs the locked tree of SOURCE (a folder with package.json and
# package-lock.json) in TARGET, unless TARGET already holds exactly that lock.
# Install scripts never run: what we start from these trees needs none of them.
npm_tree() {
  local source=$1 target=$2 wanted
  wanted=$(sha256sum < "$source/package-lock.json")
  if [ -f "$target/.installed" ] && [ "$(cat "$target/.installed")" = "$wanted" ]; then
    return
  fi
  echo "setup: installing $target"
  mkdir -p "$target"
  rm -f "$target/.installed"
  cp "$source/package.json" "$source/package-lock.json" "$target/"
  npm ci --prefix "$target" --ignore-scripts --no-audit --no-fund
  printf '%s\n' "$wanted" > "$target/.installed"
}

# python_tree SOURCE TARGET: makes a Python environment in TARGET with the locked packages of
# SOURCE/requirements.txt, unless TARGET already holds exactly those.
python_tree() {
  local source=$1 target=$2 wanted
  wanted=$(sha256sum < "$source/requirements.txt")
  if [ -f "$target/.installed" ] && [ "$(cat "$target/.installed")" = "$wanted" ]; then
    return
  fi
  echo "setup: installing $target"
  rm -rf "$target"
  # Debian's own: another Python in PATH may lack venv.
  /usr/bin/python3 -m venv "$target"
  "$target/bin/pip" install --quiet --disable-pip-version-check --no-input --require-hashes \
    --only-binary :all: -r "$source/requirements.txt"
  printf '%s\n' "$wanted" > "$target/.installed"
}

# Installs what the window's pages are built with, when their lock has changed.
ui_dependencies() {
  if [ ! -f ui/package-lock.json ]; then
    return
  fi
  local wanted
  wanted=$(sha256sum < ui/package-lock.json)
  if [ -f ui/node_modules/.installed ] && [ "$(cat ui/node_modules/.installed)" = "$wanted" ]; then
    return
  fi
  npm ci --prefix ui --no-audit --no-fund
  printf '%s\n' "$wanted" > ui/node_modules/.installed
}

# Builds the pages when anything they are made of is newer. Both programs carry them, and cargo may
# build the command line before the app's build script has come to it.
build_pages() {
  ui_dependencies
  local newer
  newer=$(find ui/src ui/*.html ui/*.json ui/*.js ui/*.ts -newer ui/dist/browser.html -print -quit 2> /dev/null || true)
  if [ -f ui/dist/browser.html ] && [ -z "$newer" ]; then
    return
  fi
  npm run --prefix ui --silent build
}

# The packages that make a window program out of this workspace, once it has one.
program_packages() {
  printf '%s\n' -p gateway-core
  if [ -f src-tauri/Cargo.toml ]; then
    printf '%s\n' -p openclaw-tray
  fi
}

# Builds every program together with the tests: alone they would be built with fewer features, and
# every dependency twice.
build_programs() {
  build_pages
  cargo build --locked --workspace --bins --tests
}

# Names the built programs for the tests and the demo.
export_programs() {
  local target=${CARGO_TARGET_DIR:-$PWD/target}
  export OPENCLAW_BIN=$target/debug/openclaw
  export OPENCLAW_TRAY_BIN=$target/debug/openclaw-tray
}
