package stage.crypto;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.servlet.http.HttpServlet;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;

/** The page of the web console that protects a text: {@code POST datum=…}. */
final class Console extends HttpServlet {
    private static final long serialVersionUID = 1;

    private final transient Keys keys;

    Console(Keys keys) {
        this.keys = keys;
    }

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.getWriter().println(
            "<form method='post'><input name='datum'/><input type='submit' value='Protect'/></form>");
    }

    @Override
    protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
        String datum = request.getParameter("datum");
        if (datum == null) {
            response.sendError(HttpServletResponse.SC_BAD_REQUEST);
            return;
        }
        try {
            response.setContentType("application/json");
            response.setCharacterEncoding("UTF-8");
            response.getWriter().print("{\"protected\":\"" + protect(datum) + "\"}");
        } catch (MissingKeysException e) {
            response.sendError(HttpServletResponse.SC_INTERNAL_SERVER_ERROR, e.getMessage());
        } catch (GeneralSecurityException e) {
            throw new IOException(e);
        }
    }

    /** An IV and AES-128-CBC with PKCS #5 padding, in hex between braces. */
    private String protect(String datum) throws IOException, GeneralSecurityException {
        byte[] iv = new byte[16];
        new SecureRandom().nextBytes(iv);
        Cipher cipher = Cipher.getInstance("AES/CBC/PKCS5Padding");
        cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(keys.master(), "AES"), new IvParameterSpec(iv));
        byte[] sealed = cipher.doFinal(datum.getBytes(StandardCharsets.UTF_8));
        StringBuilder text = new StringBuilder("{");
        for (byte[] part : new byte[][] {iv, sealed}) {
            for (byte b : part) {
                text.append(String.format("%02x", b));
            }
        }
        return text.append('}').toString();
    }
}
