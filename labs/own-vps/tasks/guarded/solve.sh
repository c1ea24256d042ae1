systemctl start status-page
firewall drop <<END
iif lo accept
ct state established,related accept
tcp dport { 22, $port } accept
END
systemctl enable nftables
systemctl restart nftables
until page "$(forgotten_port)"; do sleep 0.5; done
