module trilab/engine/go/libvirt

go 1.25.0

require github.com/dmacvicar/terraform-provider-libvirt v0.8.3
