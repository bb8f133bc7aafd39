package stage.crypto;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** A token against forged requests: HS256, good for ten minutes. */
final class Token {
    private static final long LIFETIME_SECONDS = 600;

    private Token() {}

    static String issue(byte[] key) throws GeneralSecurityException {
        long now = System.currentTimeMillis() / 1000;
        String payload = String.format("{\"exp\":%d,\"iat\":%d}", now + LIFETIME_SECONDS, now);
        String signed = encode("{\"alg\":\"HS256\"}".getBytes(StandardCharsets.US_ASCII))
            + '.' + encode(payload.getBytes(StandardCharsets.US_ASCII));
        return signed + '.' + encode(mac(key, signed));
    }

    static boolean isGood(byte[] key, String token) throws GeneralSecurityException {
        int dot = token.lastIndexOf('.');
        if (dot < 0) {
            return false;
        }
        String expected = encode(mac(key, token.substring(0, dot)));
        return MessageDigest.isEqual(
            expected.getBytes(StandardCharsets.US_ASCII),
            token.substring(dot + 1).getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] mac(byte[] key, String text) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String encode(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
