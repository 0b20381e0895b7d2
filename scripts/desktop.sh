# For scripts that start the app; sourced, never run. Whatever is started here ends with the script.

children=()
# What the app's line begins with that says it is ready; a link for browsers may come before it.
ready_word="OPENCLAW TRAY READY"
scratch=$(mktemp -d)

# Ends every child by its id and removes what was written. The app goes first: it says goodbye to
# what it is connected to.
clean_up() {
  local pid
  for pid in "${children[@]}"; do
    kill -TERM "$pid" 2> /dev/null || true
  done
  for pid in "${children[@]}"; do
    wait "$pid" 2> /dev/null || true
  done
  rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 0' INT TERM

# start NAME COMMAND…: runs it in the background, its output in $scratch/NAME; $! is its id.
start() {
  local name=$1
  shift
  "$@" > "$scratch/$name" 2> "$scratch/$name.err" &
  children=("$!" "${children[@]}")
}

# first_line NAME PID: prints the first line that NAME says, or fails when it ends without one.
first_line() {
  local name=$1 pid=$2 line
  while ! { read -r line < "$scratch/$name"; } 2> /dev/null; do
    if ! kill -0 "$pid" 2> /dev/null; then
      cat "$scratch/$name.err" >&2
      return 1
    fi
    read -rt 0.05 <> <(:) || true
  done
  printf '%s\n' "$line"
}

# Without a screen the app gets a virtual one, and without a session bus one of its own.
ensure_desktop() {
  if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    start screen Xvfb -displayfd 1 -nolisten tcp -screen 0 1280x960x24
    DISPLAY=:$(first_line screen $!)
    export DISPLAY
    echo "No screen here: the app is on a virtual one, $DISPLAY."
  fi
  if [ -z "${DBUS_SESSION_BUS_ADDRESS:-}" ]; then
    start bus dbus-daemon --session --nofork --nopidfile --print-address=1
    DBUS_SESSION_BUS_ADDRESS=$(first_line bus $!)
    export DBUS_SESSION_BUS_ADDRESS
  fi
}

# start_home_server: starts the demo server, its READY line in $ready.
start_home_server() {
  start home-server "$target/debug/home-server" "$@"
  ready=$(first_line home-server $!)
}

# value KEY: the value of KEY=… in the READY line.
value() {
  sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<< "$ready "
}

# Prints what the app says beside its READY line, as it says it.
show_what_it_says() {
  tail --lines +1 --follow --pid "$app" "$scratch/app" |
    grep --line-buffered --invert-match "^$ready_word" &
  children+=("$!")
}

# start_app ARGUMENT…: starts the app and returns once it says, in one line, that it is ready.
start_app() {
  "$target/debug/openclaw-tray" "$@" > "$scratch/app" &
  app=$!
  children=("$app" "${children[@]}")
  local line
  while ! line=$(grep --max-count 1 "^$ready_word" "$scratch/app"); do
    if ! kill -0 "$app" 2> /dev/null; then
      return 1
    fi
    read -rt 0.05 <> <(:) || true
  done
  printf '%s\n' "$line"
}
