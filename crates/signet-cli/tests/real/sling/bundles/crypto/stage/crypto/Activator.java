package stage.crypto;

import java.util.Dictionary;
import java.util.Hashtable;
import javax.servlet.Filter;
import javax.servlet.Servlet;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.util.tracker.ServiceTracker;

/** Brings everything of the bundle up; the keys follow when those who have them are there. */
public final class Activator implements BundleActivator {
    private ServiceTracker<Object, Object> sources;

    @Override
    public void start(BundleContext context) throws Exception {
        Keys keys = new Keys(context, Storage.of(context));
        sources = keys.look();
        context.registerService(Servlet.class, new Console(keys), properties(
            "felix.webconsole.label", "crypto",
            "felix.webconsole.title", "Crypto Support",
            "felix.webconsole.category", "Main"));
        context.registerService(Servlet.class, new TokenServlet(keys), properties(
            "sling.servlet.paths", "/libs/granite/csrf/token.json",
            "sling.servlet.methods", "GET"));
        context.registerService(Filter.class, new TokenFilter(keys), properties(
            "sling.filter.scope", "REQUEST"));
    }

    @Override
    public void stop(BundleContext context) {
        sources.close();
    }

    private static Dictionary<String, Object> properties(String... pairs) {
        Dictionary<String, Object> properties = new Hashtable<>();
        for (int i = 0; i < pairs.length; i += 2) {
            properties.put(pairs[i], pairs[i + 1]);
        }
        return properties;
    }
}
