# The hog was ended, and nothing tried to start too many processes.
docker exec "$name" hog || :
