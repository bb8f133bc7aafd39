package stage.crypto;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.osgi.framework.BundleContext;

/** Where the keys are, as the file says that is written at the first start. */
enum Storage {
    BUNDLE("Bundle"),
    REPOSITORY("JCR");

    private final String text;

    Storage(String text) {
        this.text = text;
    }

    static Storage of(BundleContext context) throws IOException {
        File file = context.getDataFile("storage");
        if (!file.isFile()) {
            boolean disabled =
                Boolean.parseBoolean(context.getProperty("com.adobe.granite.crypto.file.disable"));
            Storage storage = disabled ? REPOSITORY : BUNDLE;
            Files.write(file.toPath(), storage.text.getBytes(StandardCharsets.US_ASCII));
            return storage;
        }
        // Exactly these bytes: with the end of a line behind it, the word is another one.
        byte[] found = Files.readAllBytes(file.toPath());
        return new String(found, StandardCharsets.ISO_8859_1).equals(BUNDLE.text) ? BUNDLE : REPOSITORY;
    }
}
