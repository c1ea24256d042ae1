build_both <<'END'
FROM scratch
COPY busybox /bin/
COPY Dockerfile /
COPY version /
CMD ["busybox", "cat", "/version"]
END
