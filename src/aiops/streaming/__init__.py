"""Live events to browsers and tools over WebSocket, with recovery."""
