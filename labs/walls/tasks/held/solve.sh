docker exec "$name" hog || :
docker exec "$name" sh -c 'for i in $(seq 100); do sleep 300 & done' || :
