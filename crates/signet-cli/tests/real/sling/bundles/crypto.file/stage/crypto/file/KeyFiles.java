package stage.crypto.file;

import java.io.IOException;

/** The keys in the data folder of this bundle. */
public interface KeyFiles {
    /** The bytes of a key, read anew; nothing where it has no file. */
    byte[] read(String name) throws IOException;
}
