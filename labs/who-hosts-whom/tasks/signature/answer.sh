note answer "$(/usr/libexec/virt-what-cpuid-helper)"
