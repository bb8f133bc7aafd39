package stage.token;

import java.util.Dictionary;
import java.util.Hashtable;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.service.cm.ManagedService;
import org.osgi.service.cm.ManagedServiceFactory;

/** Takes the configurations that are described in {@code OSGI-INF/metatype}, and does nothing with them. */
public final class Activator implements BundleActivator, ManagedServiceFactory {
    private static final String TOKEN = "com.day.crx.security.token.impl.impl.TokenAuthenticationHandler";
    private static final String[] FACTORIES = {
        "com.adobe.granite.auth.saml.SamlAuthenticationHandler",
        "com.adobe.granite.auth.oauth.provider",
        "com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl",
        "com.adobe.granite.auth.oauth.accesstoken.provider",
    };

    @Override
    public void start(BundleContext context) {
        ManagedService token = properties -> {};
        context.registerService(ManagedService.class, token, pid(TOKEN));
        for (String factory : FACTORIES) {
            context.registerService(ManagedServiceFactory.class, this, pid(factory));
        }
    }

    @Override
    public void stop(BundleContext context) {}

    @Override
    public String getName() {
        return "signing in";
    }

    @Override
    public void updated(String pid, Dictionary<String, ?> properties) {}

    @Override
    public void deleted(String pid) {}

    private static Dictionary<String, Object> pid(String pid) {
        Dictionary<String, Object> properties = new Hashtable<>();
        properties.put("service.pid", pid);
        return properties;
    }
}
