DELETE FROM agrichat.sightings WHERE sighting_id = ANY ($1)
