"""The one public interface: a schema made from the shape."""
