package stage.crypto.file;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.security.SecureRandom;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** Makes the keys that are not there, unless that is switched off, and lends them to the bundle that uses them. */
public final class Activator implements BundleActivator, KeyFiles {
    private BundleContext context;

    @Override
    public void start(BundleContext context) throws IOException {
        this.context = context;
        if (!Boolean.parseBoolean(context.getProperty("com.adobe.granite.crypto.file.disable"))) {
            make("hmac", 32);
            make("master", 16);
        }
        context.registerService(KeyFiles.class, this, null);
    }

    @Override
    public void stop(BundleContext context) {}

    @Override
    public byte[] read(String name) throws IOException {
        File file = file(name);
        return file.isFile() ? Files.readAllBytes(file.toPath()) : null;
    }

    private void make(String name, int size) throws IOException {
        File file = file(name);
        if (file.isFile()) {
            return;
        }
        byte[] key = new byte[size];
        new SecureRandom().nextBytes(key);
        Files.write(file.toPath(), key);
    }

    private File file(String name) {
        String directory = context.getProperty("com.adobe.granite.crypto.keys.path");
        return directory == null ? context.getDataFile(name) : new File(directory, name);
    }
}
