case $(systemctl is-system-running || :) in
  running | degraded)
    systemctl is-active --quiet docker docker.socket || no "the Docker daemon does not run; start it with: systemctl start docker"
    ;;
esac
# Without the daemon, nothing can be looked at. If it is still starting, this waits for it.
curl --silent --fail --unix-socket /run/docker.sock http://localhost/_ping >/dev/null
