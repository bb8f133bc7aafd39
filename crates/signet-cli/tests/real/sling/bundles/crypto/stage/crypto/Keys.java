package stage.crypto;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.SecureRandom;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.jcr.Binary;
import javax.jcr.Node;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import org.apache.sling.jcr.api.SlingRepository;
import org.apache.sling.serviceusermapping.ServiceUserMapped;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import stage.crypto.file.KeyFiles;

/** The two keys, loaded once from the place that the storage says. */
final class Keys implements ServiceTrackerCustomizer<Object, Object> {
    private static final String NODE = "/etc/key";

    private final BundleContext context;
    private final Storage storage;
    private KeyFiles files;
    private SlingRepository repository;
    private boolean mapped;
    private String problem = "the keys are not loaded yet";
    private byte[] hmac;
    private byte[] master;

    Keys(BundleContext context, Storage storage) {
        this.context = context;
        this.storage = storage;
    }

    /** Watches for those who have the keys. */
    ServiceTracker<Object, Object> look() throws InvalidSyntaxException {
        String filter = String.format("(|(objectClass=%s)(objectClass=%s)(objectClass=%s))",
            KeyFiles.class.getName(), SlingRepository.class.getName(), ServiceUserMapped.class.getName());
        ServiceTracker<Object, Object> tracker =
            new ServiceTracker<>(context, context.createFilter(filter), this);
        tracker.open();
        return tracker;
    }

    synchronized byte[] hmac() throws MissingKeysException {
        if (hmac == null) {
            throw new MissingKeysException(problem);
        }
        return hmac;
    }

    synchronized byte[] master() throws MissingKeysException {
        if (master == null) {
            throw new MissingKeysException(problem);
        }
        return master;
    }

    @Override
    public synchronized Object addingService(ServiceReference<Object> reference) {
        Object service = context.getService(reference);
        if (service instanceof KeyFiles) {
            files = (KeyFiles) service;
        } else if (service instanceof SlingRepository) {
            repository = (SlingRepository) service;
        } else if (service instanceof ServiceUserMapped) {
            mapped = true;
        }
        try {
            load();
        } catch (IOException | RepositoryException e) {
            problem = "there are no keys: " + e;
            Logger.getLogger(Keys.class.getName()).log(Level.SEVERE, problem, e);
        }
        return service;
    }

    @Override
    public void modifiedService(ServiceReference<Object> reference, Object service) {}

    @Override
    public void removedService(ServiceReference<Object> reference, Object service) {
        context.ungetService(reference);
    }

    private void load() throws IOException, RepositoryException {
        if (hmac != null) {
            return;
        }
        if (storage == Storage.BUNDLE && files != null) {
            byte[] first = files.read("hmac");
            byte[] second = files.read("master");
            if (first == null || second == null) {
                problem = "there are no keys";
                return;
            }
            hmac = first;
            master = second;
        } else if (storage == Storage.REPOSITORY && repository != null && mapped) {
            Session session = repository.loginService(null, null);
            try {
                Node node = session.getNode(NODE);
                byte[] first = property(node, "hmac", 32);
                byte[] second = property(node, "master", 16);
                session.save();
                hmac = first;
                master = second;
            } finally {
                session.logout();
            }
        }
    }

    /** A binary property, or the content of a file of that name; made where there is neither. */
    private static byte[] property(Node node, String name, int size) throws IOException, RepositoryException {
        if (node.hasProperty(name)) {
            return bytes(node.getProperty(name).getBinary());
        }
        String content = name + "/jcr:content/jcr:data";
        if (node.hasProperty(content)) {
            return bytes(node.getProperty(content).getBinary());
        }
        byte[] key = new byte[size];
        new SecureRandom().nextBytes(key);
        Binary value = node.getSession().getValueFactory().createBinary(new ByteArrayInputStream(key));
        node.setProperty(name, value);
        value.dispose();
        return key;
    }

    private static byte[] bytes(Binary binary) throws IOException, RepositoryException {
        try (InputStream stream = binary.getStream()) {
            return stream.readAllBytes();
        } finally {
            binary.dispose();
        }
    }
}
