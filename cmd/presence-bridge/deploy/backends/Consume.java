import io.nats.client.Connection;
import io.nats.client.JetStreamSubscription;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.PullSubscribeOptions;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * A worker on the queue BILLING: takes changes, and acknowledges each when it is dealt with. Run it as often as you like,
 * with io.nats:jnats 2.17 or newer on the class path: java Consume.java nats://127.0.0.1:4222
 */
public final class Consume {
    public static void main(String[] args) throws Exception {
        try (Connection nc = Nats.connect(args[0])) {
            PullSubscribeOptions workers = PullSubscribeOptions.bind("BILLING", "workers");
            JetStreamSubscription queue = nc.jetStream().subscribe(null, workers);
            while (true) {
                for (Message message : queue.fetch(10, Duration.ofSeconds(30))) {
                    String change = new String(message.getData(), StandardCharsets.UTF_8); // JSON
                    System.out.println(message.getHeaders().getFirst("ce-subject") + " " + change);
                    message.ack(); // not acknowledged within 30 s, it comes again
                }
            }
        }
    }
}
