# What changes comes first, so all later layers are made again.
build_both <<'END'
FROM scratch
COPY version /
COPY busybox /bin/
COPY Dockerfile /
END
