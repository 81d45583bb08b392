SELECT token FROM agrichat.fence
