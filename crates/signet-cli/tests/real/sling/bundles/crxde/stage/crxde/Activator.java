package stage.crxde;

import java.io.IOException;
import java.util.Dictionary;
import java.util.Hashtable;
import javax.jcr.RepositoryException;
import javax.jcr.Session;
import javax.servlet.Servlet;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.apache.sling.api.SlingHttpServletRequest;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** {@code GET /crx/de/download.jsp?path=…}: the bytes of a binary property. */
public final class Activator extends HttpServlet implements BundleActivator {
    private static final long serialVersionUID = 1;

    @Override
    public void start(BundleContext context) {
        Dictionary<String, Object> properties = new Hashtable<>();
        properties.put("sling.servlet.paths", "/crx/de/download.jsp");
        properties.put("sling.servlet.methods", "GET");
        context.registerService(Servlet.class, this, properties);
    }

    @Override
    public void stop(BundleContext context) {}

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        Session session =
            ((SlingHttpServletRequest) request).getResourceResolver().adaptTo(Session.class);
        String path = request.getParameter("path");
        try {
            if (path == null || !session.propertyExists(path)) {
                response.sendError(HttpServletResponse.SC_NOT_FOUND);
                return;
            }
            response.setContentType("application/octet-stream");
            session.getProperty(path).getBinary().getStream().transferTo(response.getOutputStream());
        } catch (RepositoryException e) {
            throw new IOException(e);
        }
    }
}
