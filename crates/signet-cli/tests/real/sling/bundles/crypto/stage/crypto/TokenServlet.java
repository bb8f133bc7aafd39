package stage.crypto;

import java.io.IOException;
import java.security.GeneralSecurityException;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** Hands out tokens to those who are signed in. */
final class TokenServlet extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final transient Keys keys;

    TokenServlet(Keys keys) {
        this.keys = keys;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setContentType("application/json");
        response.setCharacterEncoding("UTF-8");
        String user = request.getRemoteUser();
        try {
            byte[] key = keys.hmac();
            boolean nobody = user == null || user.equals("anonymous");
            response.getWriter().print(nobody ? "{}" : "{\"token\":\"" + Token.issue(key) + "\"}");
        } catch (MissingKeysException e) {
            response.setStatus(HttpServletResponse.SC_INTERNAL_SERVER_ERROR);
            response.getWriter().print("{\"error\":\"" + e.getMessage() + "\"}");
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }
}
