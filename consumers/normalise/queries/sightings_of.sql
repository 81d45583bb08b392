SELECT sighting_id, removed FROM agrichat.sightings WHERE sighting_id = ANY ($1)
