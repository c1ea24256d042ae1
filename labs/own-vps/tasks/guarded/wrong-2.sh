# The service is gone instead of guarded.
systemctl disable --now nftables
systemctl stop status-page
