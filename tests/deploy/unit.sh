# What systemd makes of examples/deploy/plainws.service and plainws.socket. Run by tests/deploy.rs inside with-systemd:
# each line is a fact that is asserted there.

url=ws://127.0.0.1:8000
echo_once() { printf '%s\n' "$1" | plainws connect "$url/echo" --once --timeout 60 2>&1 | sed -n 2p; }
health() { curl --silent --max-time 60 http://127.0.0.1:8000/healthz; }
state() { systemctl show --value --property "$1" plainws.service; }
# Whether who had just been let in when the server stopped was told so, or nobody answered at all.
attempt() {
    case $(printf 'Hello\n' | plainws connect "$url/echo" --once --timeout 60 2>&1 || true) in
    *connected*Hello* | *connected*1001*) echo served ;;
    *503*) echo refused ;;
    *) echo lost ;;
    esac
}
# Waits until a command succeeds.
until_so() { for _ in {1..600}; do "$@" && return; sleep 0.1; done; echo "never: $*"; exit 1; }

systemctl start plainws.socket
echo "before a connection: $(state ActiveState)"
echo "it starts and serves: $(echo_once Hello)"
echo "with a connection: $(state ActiveState)"

main=$(state MainPID)
grep --extended-regexp '^(CapBnd|CapEff|NoNewPrivs|Seccomp):' "/proc/$main/status"
[ "$(stat --format %u "/proc/$main")" = 0 ] || echo "it is not root"
echo "open files: $(awk '/^Max open files/ { print $4 }' "/proc/$main/limits")"

# All that it does within its filter of system calls.
plainws bench "$url/echo" --connections 200 --size 100000 --seconds 0.5 --json 2>&1 | jq --raw-output '"load: \(.messages > 100)"'
echo "a tick: $(plainws connect "$url/clock" --once 2>/dev/null | grep --count :)"
for path in / /clock /healthz /healthz/live /metrics /time; do
    echo "$path $(curl --silent --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:8000$path")"
done
echo "over a Unix socket: $(curl --silent --unix-socket /run/plainws.sock --header 'Host: example.com' http://example.com/healthz)"
echo "its mode: $(stat --format '%a %G' /run/plainws.sock)"

# A restart: who is connected stays for the time of --drain and gets 1001, who comes is served, now or by the next.
plainws connect "$url/echo" --no-close --linger 60 >/run/stays 2>&1 </dev/null &
stays=$!
until_so grep --quiet connected /run/stays
: >/run/attempts
(while [ ! -e /run/enough ]; do attempt >>/run/attempts; done) &
attempts=$!
until_so test -s /run/attempts
systemctl restart --no-block plainws.service
until_so eval '[ "$(health)" = draining ]'
echo "while it drains: $(echo_once Hello), $(state ActiveState)"
# Ends the drain: nobody wants to wait that long here.
kill -TERM "$main"
wait "$stays"
echo "who stayed: $(tail -n 1 /run/stays)"
until_so eval '[ "$(state MainPID)" != "$main" ] && [ "$(state ActiveState)" = active ]'
echo "the next: $(health)"
until_so eval '[ "$(tail -n 1 /run/attempts)" = served ]'
touch /run/enough
wait "$attempts"
echo "attempts lost: $(grep --count lost /run/attempts || true)"
[ "$(grep --count refused /run/attempts)" -lt 4 ] && echo "hardly any is refused"

systemctl stop plainws.service &
until_so eval '[ "$(health)" = draining ]'
kill -TERM "$(state MainPID)"
wait $!
echo "at the end: $(state ActiveState) $(state Result) $(state ExecMainStatus)"
echo "over TCP again: $(echo_once Hello)"
echo "over the Unix socket again: $(curl --silent --unix-socket /run/plainws.sock --header 'Host: example.com' http://example.com/healthz)"
kill -KILL "$(state MainPID)"
until_so eval '[ "$(state NRestarts)" -gt 0 ] && [ "$(state ActiveState)" = active ]'
echo "killed, it is started again: $(health)"
echo "warnings: $(grep --count --extended-regexp 'warning|the system allows|EPERM|not permitted' /run/log || true)"
# Whatever is left: nobody waits for the drain.
systemctl kill --signal KILL plainws.service
